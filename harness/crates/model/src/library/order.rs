use crate::requirement::Registry;

use crate::scenario::model::Scenario;

/// The sort key of [`super::Library::scenarios`].
pub(super) fn sort_key(scenario: &Scenario, registry: &Registry) -> (usize, usize, Vec<IdPart>) {
    let suite = registry.suites().iter().position(|suite| *suite == scenario.suite);
    let chapter = registry.chapters().iter().position(|chapter| chapter.id == scenario.chapter);
    (suite.unwrap_or(usize::MAX), chapter.unwrap_or(usize::MAX), id_parts(&scenario.id))
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum IdPart {
    Number(u64),
    Text(String),
}

fn id_parts(id: &str) -> Vec<IdPart> {
    id.chars()
        .collect::<Vec<char>>()
        .chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit())
        .map(|chunk| chunk.iter().collect::<String>())
        .map(|text| text.parse().map_or(IdPart::Text(text), IdPart::Number))
        .collect()
}
