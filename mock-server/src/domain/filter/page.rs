//! The query for the next page of a list.

use super::condition::{Comparison, Condition, Test};
use super::position::{Key, Position};
use super::query::Query;
use super::value::Scalar;

/// The last row of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastRow {
    /// Its value in the column of [`Query::key`].
    pub value: Scalar,
    pub id: String,
}

impl Query {
    /// Returns the order of the rows, if two values tell a row's place in it.
    #[must_use]
    pub fn key(&self) -> Option<Key> {
        let of = |name: &str| self.table.columns.iter().find(|column| column.name == name);
        let (column, descending, ids_descending) = match self.order.as_slice() {
            [] => (of("created_at")?, false, false),
            [one] => (one.column, one.descending, one.descending && one.column.name == "id"),
            [one, ids] if ids.column.name == "id" => (one.column, one.descending, ids.descending),
            _ => return None,
        };
        let key = Key { column, descending, ids_descending };
        let follows = self.after.as_ref().is_none_or(|after| after.key == key && after.is_place());
        (column.is_key() && follows).then_some(key)
    }

    /// Returns the parameters of this query for the page behind `last`, given its own, decoded. Without `last`, rows are
    /// counted.
    #[must_use]
    pub fn next_page<'a>(
        &self,
        parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
        last: Option<LastRow>,
    ) -> Vec<(String, String)> {
        let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let kept = parameters.into_iter().filter(|(name, _)| *name != "offset");
        let (Some(key), Some(last)) = (self.key(), last) else {
            let offset = u64::from(self.offset) + u64::from(self.limit);
            let counted = ("offset".to_owned(), offset.to_string());
            return kept.map(own).chain([counted]).collect();
        };
        let (name, value) = if key.column.name == "id" {
            let comparison = if key.descending { "lt" } else { "gt" };
            ("id", format!("{comparison}.{}", last.id))
        } else {
            ("or", Position::behind(key, last.value, last.id).to_string())
        };
        // A place behind an earlier one includes it.
        let replaced = |(given, value): &(&str, &str)| match *given {
            "or" => name == "or",
            "id" if name == "id" => is_place(key, value),
            _ => false,
        };
        kept.filter(|pair| !replaced(pair)).map(own).chain([(name.to_owned(), value)]).collect()
    }
}

/// Whether this condition on the id holds for all rows behind any row for which it holds.
fn is_place(key: Key, text: &str) -> bool {
    let expected = if key.descending { Comparison::Lt } else { Comparison::Gt };
    let condition = Condition::parse(key.column, text);
    condition.is_ok_and(|condition| {
        !condition.negated && matches!(condition.test, Test::Compare(comparison, _) if comparison == expected)
    })
}

#[cfg(test)]
mod tests {
    use super::super::MACHINES;
    use super::*;
    use crate::domain::Timestamp;

    fn next(parameters: &str, value: Scalar) -> String {
        let pairs: Vec<(&str, &str)> =
            parameters.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let query = Query::parse(&MACHINES, pairs.iter().copied()).unwrap();
        let last = Some(LastRow { value, id: "x".to_owned() });
        let next = query.next_page(pairs, last);
        next.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    }

    #[test]
    fn pages_begin_behind_the_last_row_where_its_place_can_be_told() {
        let time = Scalar::Time(Timestamp::from_millis(0));
        let text = |text: &str| Scalar::Text(text.to_owned());
        let behind = r#"or=(created_at.gt."1970-01-01T00:00:00.000Z",and(created_at.eq."1970-01-01T00:00:00.000Z",id.gt."x"))"#;
        for (parameters, value, expected) in [
            ("limit=9", &time, format!("limit=9&{behind}")),
            ("offset=5&name=eq.a", &time, format!("name=eq.a&{behind}")),
            (
                "order=created_at.desc",
                &time,
                format!("order=created_at.desc&{}", behind.replacen("gt", "lt", 1)),
            ),
            (
                "order=created_at.desc,id.desc",
                &time,
                format!("order=created_at.desc,id.desc&{}", behind.replace("gt", "lt")),
            ),
            (
                "order=name",
                &text("b"),
                r#"order=name&or=(name.gt."b",and(name.eq."b",id.gt."x"))"#.to_owned(),
            ),
            (
                r#"or=(name.gt."a",and(name.eq."a",id.gt."w"))&order=name"#,
                &text("b"),
                r#"order=name&or=(name.gt."b",and(name.eq."b",id.gt."x"))"#.to_owned(),
            ),
            ("order=id&id=gt.w&id=neq.v", &text("x"), "order=id&id=neq.v&id=gt.x".to_owned()),
            ("order=id.desc&id=gt.v&id=lt.y", &text("x"), "order=id.desc&id=gt.v&id=lt.x".to_owned()),
        ] {
            assert_eq!(next(parameters, value.clone()), expected, "{parameters}");
        }
    }

    #[test]
    fn other_orders_are_counted() {
        for (parameters, expected) in [
            ("order=status&limit=5", "order=status&limit=5&offset=5"),
            ("order=os.desc&limit=5&offset=10", "order=os.desc&limit=5&offset=15"),
            ("order=name,created_at", "order=name,created_at&offset=1000"),
            // A place in another order, and one that is none.
            ("or=(name.gt.a,and(name.eq.a,id.gt.x))", "or=(name.gt.a,and(name.eq.a,id.gt.x))&offset=1000"),
            (
                "order=name&or=(name.gt.a,and(name.eq.b,id.gt.x))",
                "order=name&or=(name.gt.a,and(name.eq.b,id.gt.x))&offset=1000",
            ),
        ] {
            assert_eq!(next(parameters, Scalar::Text("a".to_owned())), expected, "{parameters}");
        }
    }
}
