//! Pictures of pages, taken after the secrets on them were replaced.

use base64::Engine as _;
use serde_json::Value;

use super::error::BrowserError;
use super::session::Browser;

/// Where the page keeps what it said before, until the picture is taken.
const COLLECT: &str = r#"(() => {
  const kept = { texts: [], fields: [], styles: [] };
  const roots = [document];
  for (const root of roots) {
    for (const element of root.querySelectorAll('*')) {
      if (element.shadowRoot) roots.push(element.shadowRoot);
      if (/^(INPUT|TEXTAREA)$/.test(element.tagName)) kept.fields.push([element, element.value, element.placeholder]);
      const box = element.getBoundingClientRect();
      const isDrawn = /^(IMG|CANVAS|VIDEO|IFRAME|OBJECT|EMBED|PICTURE)$/i.test(element.tagName)
        || (/^svg$/i.test(element.tagName) && box.width > 64)
        || getComputedStyle(element).backgroundImage.includes('url(');
      if (isDrawn) kept.styles.push([element, element.style.visibility]);
    }
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) kept.texts.push([walker.currentNode, walker.currentNode.data]);
  }
  globalThis[Symbol.for('harness-picture')] = kept;
  return kept.texts.map(([, text]) => text).concat(kept.fields.flatMap(([, value, hint]) => [value, hint]));
})()"#;

/// Replaces each text by the one at the same place, and hides what is drawn.
const REPLACE: &str = r#"((said) => {
  const { texts, fields, styles } = globalThis[Symbol.for('harness-picture')];
  let at = 0;
  for (const [node] of texts) { const text = said[at++]; if (node.data !== text) node.data = text; }
  for (const [field] of fields) {
    const [value, hint] = [said[at++], said[at++]];
    if (field.value !== value) field.value = value;
    if (field.placeholder !== hint) field.placeholder = hint;
  }
  for (const [element] of styles) element.style.visibility = 'hidden';
  return document.documentElement.textContent;
})"#;

const RESTORE: &str = r"(() => {
  const key = Symbol.for('harness-picture');
  const { texts, fields, styles } = globalThis[key] ?? { texts: [], fields: [], styles: [] };
  delete globalThis[key];
  for (const [node, text] of texts) if (node.data !== text) node.data = text;
  for (const [field, value, hint] of fields) {
    if (field.value !== value) field.value = value;
    if (field.placeholder !== hint) field.placeholder = hint;
  }
  for (const [element, visibility] of styles) element.style.visibility = visibility;
})()";

/// What is visible of the page, as one text and as the browser shows it.
const SHOWN: &str = r"[document.documentElement.textContent, document.body?.innerText ?? ''].concat(
  Array.from(document.querySelectorAll('input, textarea'), field => field.value)).join(' ')";

impl Browser {
    /// Takes a picture (PNG, Base64) after every text on the page went through `hide`, and restores the page. There is no
    /// picture if a secret is still on the page then, such as one that is spread over several elements.
    ///
    /// # Errors
    /// The browser has died.
    pub async fn picture(
        &mut self,
        mut hide: impl FnMut(&str) -> String,
    ) -> Result<Option<String>, BrowserError> {
        if self.question().await?.is_some() {
            return Ok(None);
        }
        let picture = self.picture_of(&mut hide).await;
        let restored = self.evaluate(RESTORE).await;
        match (picture, restored) {
            (Ok(picture), Ok(_)) => {
                Ok(picture.map(|png| base64::engine::general_purpose::STANDARD.encode(png)))
            }
            (Err(error), _) | (_, Err(error)) if error.is_of_page() => Ok(None),
            (Err(error), _) | (_, Err(error)) => Err(error),
        }
    }

    async fn picture_of(
        &mut self,
        hide: &mut impl FnMut(&str) -> String,
    ) -> Result<Option<Vec<u8>>, BrowserError> {
        let said = self.evaluate(COLLECT).await?;
        let said = said.as_array().map(Vec::as_slice).unwrap_or_default();
        let hidden: Vec<Value> =
            said.iter().map(|text| text.as_str().map_or(Value::Null, |text| hide(text).into())).collect();
        let whole = self.evaluate(&format!("{REPLACE}({})", Value::Array(hidden))).await?;
        let mut is_clean = |text: &Value| text.as_str().is_some_and(|text| hide(text) == text);
        if !is_clean(&whole) {
            return Ok(None);
        }
        let picture = self.screenshot().await?;
        // The page may have written anew meanwhile.
        let shown = self.evaluate(SHOWN).await?;
        Ok(picture.filter(|_| is_clean(&shown)))
    }
}
