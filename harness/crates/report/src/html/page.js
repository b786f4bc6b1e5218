(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("script");
  const all = (selector) => [...document.querySelectorAll(selector)];
  const box = document.getElementById("find");

  const reveal = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    if (target.hidden && box) { box.value = ""; filter(); }
    for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    target.scrollIntoView();
    const summary = target.querySelector(":scope > summary");
    if (summary) summary.focus({ preventScroll: true });
  };

  let entries;
  const filter = () => {
    entries ??= all("[data-find]").map((element) => [element, (element.dataset.find + " " + (element.matches("tr") ? element.textContent : "")).toLowerCase()]);
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const [element, text] of entries) {
      const fits = words.every((word) => text.includes(word));
      if (element.hidden === fits) element.hidden = !fits;
      if (fits && element.tagName === "DETAILS") shown += 1;
    }
    for (const group of all("[data-group]")) group.hidden = words.length > 0 && !group.querySelector("[data-find]:not([hidden])");
    document.getElementById("found").textContent = words.length ? `${shown} sub-tests` : "";
  };

  const summaries = () => all("details.subtest > summary").filter((summary) => !summary.closest("[hidden]"));
  const move = (by) => {
    const list = summaries();
    if (!list.length) return;
    const active = document.activeElement;
    let next = list.indexOf(active) + by;
    if (!list.includes(active)) {
      const below = list.findIndex((summary) => summary.getBoundingClientRect().top > 60);
      next = by > 0 ? Math.max(below, 0) : (below < 0 ? list.length : below) - 1;
    }
    const summary = list[Math.min(Math.max(next, 0), list.length - 1)];
    summary.focus({ preventScroll: true });
    summary.scrollIntoView({ block: "nearest", behavior: "instant" });
  };

  const copy = async (button) => {
    const pre = button.parentElement.querySelector("pre");
    const text = pre.textContent;
    let done = false;
    try {
      await navigator.clipboard.writeText(text);
      done = true;
    } catch {
      const range = document.createRange();
      range.selectNodeContents(pre);
      const selection = getSelection();
      selection.removeAllRanges();
      selection.addRange(range);
      done = document.execCommand("copy");
    }
    button.textContent = done ? "Copied" : "Press Ctrl+C";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  };

  if (box) {
    let waiting;
    box.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(filter, 80); });
  }
  addEventListener("hashchange", reveal);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-copy]");
    if (button) copy(button);
    const link = event.target.closest('a[href^="#"]');
    if (link && link.getAttribute("href") === location.hash) reveal();
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target === box;
    if (event.key === "Escape") {
      const open = event.target.closest("details[open]");
      if (typing) { box.value = ""; filter(); box.blur(); }
      else if (open) { open.open = false; open.querySelector("summary").focus(); }
    } else if (typing) {
      if (event.key === "Enter") { filter(); move(1); event.preventDefault(); }
    } else if (event.key === "/" && box) {
      box.focus(); box.select(); event.preventDefault();
    } else if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
  });
  let closed = [];
  addEventListener("beforeprint", () => { closed = all("details:not([open])"); closed.forEach((details) => { details.open = true; }); });
  addEventListener("afterprint", () => { closed.forEach((details) => { details.open = false; }); closed = []; });
  reveal();
})();
