//! The query language, by tables and by arbitrary text.

use proptest::prelude::*;

use super::*;
use crate::domain::Timestamp;

fn parse(query: &str) -> Result<Query, FilterError> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    Query::parse(&AUTH_KEYS, pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))))
}

#[test]
fn conditions_follow_postgrest_syntax() {
    let text = |text: &str| Scalar::Text(text.to_owned());
    let cases = [
        ("id=eq.k1", false, Test::Compare(Comparison::Eq, text("k1"))),
        ("org_id=org_9fX2kR", false, Test::Compare(Comparison::Eq, text("org_9fX2kR"))),
        ("name=100.64.0.3", false, Test::Compare(Comparison::Eq, text("100.64.0.3"))),
        ("name=eq.a.b=c&", false, Test::Compare(Comparison::Eq, text("a.b=c"))),
        ("name=not.eq.", true, Test::Compare(Comparison::Eq, text(""))),
        ("id=eq.' OR 1=1 --", false, Test::Compare(Comparison::Eq, text("' OR 1=1 --"))),
        ("name=like.*a%", false, Test::Like { pattern: "%a%".into(), case_sensitive: true }),
        ("name=not.ilike.a*", true, Test::Like { pattern: "a%".into(), case_sensitive: false }),
        ("name=in.(a,\"b,)\",\"c\\\"\\\\\")", false, Test::In(vec![text("a"), text("b,)"), text("c\"\\")])),
        ("name=in.()", false, Test::In(vec![])),
        ("used_count=in.(1,-2)", false, Test::In(vec![Scalar::Integer(1), Scalar::Integer(-2)])),
        ("used_count=gte.3", false, Test::Compare(Comparison::Gte, Scalar::Integer(3))),
        ("revoked=eq.false", false, Test::Compare(Comparison::Eq, Scalar::Boolean(false))),
        ("revoked=is.true", false, Test::Is(true)),
        ("allowed_tags=not.is.null", true, Test::IsNull),
        ("allowed_tags=cs.{a,\"b\"}", false, Test::Contains(vec!["a".into(), "b".into()])),
        (
            "expires_at=lt.1970-01-02",
            false,
            Test::Compare(Comparison::Lt, Scalar::Time(Timestamp::from_millis(86_400_000))),
        ),
        (
            "expires_at=eq.1970-01-01T01:00:00.5 01:00",
            false,
            Test::Compare(Comparison::Eq, Scalar::Time(Timestamp::from_millis(500))),
        ),
    ];
    for (query, negated, test) in cases {
        let query = parse(query).unwrap_or_else(|error| panic!("{query}: {error}"));
        assert_eq!((query.conditions[0].negated, &query.conditions[0].test), (negated, &test));
    }
}

#[test]
fn invalid_queries_are_refused_by_name() {
    let cases = [
        ("key_hash=eq.x", "unknown column 'key_hash' of auth_keys: the columns are id, org_id"),
        ("or=(id.eq.1,id.eq.2)", "for 'or': expected a place in an order"),
        ("or=(os.gt.1,and(os.eq.1,id.gt.2))", "unknown column 'os'"),
        ("Name=eq.x", "unknown column 'Name'"),
        ("name=equals.x", "unknown operator 'equals' for column 'name': it supports eq, neq"),
        ("name=fts(english).x", "unknown operator 'fts(english)'"),
        ("name=not.not.eq.x", "unknown operator 'not'"),
        ("name=not.x", "unknown operator 'x'"),
        ("used_count=like.1", "unknown operator 'like' for column 'used_count'"),
        ("allowed_tags=server", "unknown operator 'server' for column 'allowed_tags': it supports cs, is"),
        ("used_count=eq.x", "invalid value 'x' for column 'used_count': expected a whole number"),
        ("used_count=eq.9223372036854775808", "a whole number"),
        ("used_count=in.(1,x)", "invalid value 'x' for column 'used_count': expected a whole number"),
        ("revoked=1", "true or false"),
        ("expires_at=gt.tomorrow", "a time (2026-03-17T10:00:00Z or 2026-03-17)"),
        ("name=eq.a\0b", "text without NUL"),
        ("allowed_tags=cs.{a\0}", "text without NUL"),
        ("name=in.a,b", "a list written in.(a,\"b,c\")"),
        ("name=in.(\"a)", "a list"),
        ("name=in.(\"a\"b)", "a list"),
        ("name=is.true", "invalid value 'true' for column 'name': expected is.null"),
        ("name=is.false", "invalid value 'false' for column 'name': expected is.null"),
        ("revoked=is.maybe", "is.null, is.true or is.false"),
        (&format!("name=like.{}", "%".repeat(257)), "at most 256 characters"),
        ("select=name,key_hash", "unknown column 'key_hash'"),
        ("select=", "unknown column ''"),
        ("order=name.down", "for 'order': expected column"),
        ("order=key_hash", "unknown column 'key_hash'"),
        ("limit=-1", "for 'limit': expected a whole number"),
        ("offset=x", "for 'offset': expected a whole number"),
        ("limit=1&limit=2", "'limit' was given twice"),
        (
            &format!("used_count=in.({}1)", "1,".repeat(MAX_VALUES)),
            "too many values: a query compares with at most 500",
        ),
        (&"id=is.null&".repeat(MAX_CONDITIONS + 1), "too many conditions: a query has at most 32"),
        (&"name=not.ilike.*a*&".repeat(400), "too many searches: a query has at most 8"),
        (&"allowed_tags=cs.{a}&".repeat(MAX_SEARCHES + 1), "too many searches"),
        (&format!("name=like.{}", "a*".repeat(9)), "a pattern with at most 8 wildcards"),
        (&format!("name=not.ilike.{}b", "%".repeat(200)), "a pattern with at most 8 wildcards"),
        (&format!("allowed_tags=cs.{{{}a}}", "a,".repeat(16)), "a list of at most 16 elements"),
        (&format!("select={}id", "*,".repeat(10_000)), "too many columns in 'select': at most 32"),
        (&format!("order={}id", "name.desc,".repeat(32)), "too many columns in 'order': at most 32"),
    ];
    for (query, expected) in cases {
        let message = parse(query).expect_err(query).to_string();
        assert!(message.contains(expected), "{query}: {message}");
    }
}

#[test]
fn select_order_limit_and_offset_are_parsed() {
    let query = parse("select=used_count,name,name&order=used_count.desc,name.asc.nullsfirst&limit=9999&offset=3&id=eq.a&id=neq.b")
        .expect("sound");
    assert_eq!(query.select.iter().map(|column| column.name).collect::<Vec<_>>(), ["used_count", "name"]);
    let order: Vec<_> = query.order.iter().map(|o| (o.column.name, o.descending, o.nulls_first)).collect();
    assert_eq!(order, [("used_count", true, true), ("name", false, true)]);
    assert_eq!((query.limit, query.offset, query.conditions.len()), (MAX_ROWS, 3, 2));

    let whole = parse("select=*").expect("sound");
    assert_eq!(whole, parse("").expect("sound"));
    assert_eq!(whole.select.len(), AUTH_KEYS.columns.len());
}

#[test]
fn queries_at_the_limits_are_accepted() {
    for query in [
        format!("used_count=in.({}1)", "1,".repeat(MAX_VALUES - 1)),
        "id=is.null&".repeat(MAX_CONDITIONS),
        "name=ilike.*a*&".repeat(MAX_SEARCHES),
        format!("name=like.{}{}", "%".repeat(8), "_".repeat(248)),
        format!("allowed_tags=cs.{{{}a}}", "a,".repeat(15)),
        format!("select={}id", "*,".repeat(31)),
        format!("order={}id", "name.desc,".repeat(31)),
    ] {
        assert!(parse(&query).is_ok(), "{query}");
    }
}

#[test]
fn nulls_sort_as_requested() {
    for (order, nulls_first) in [
        ("expires_at", false),
        ("expires_at.desc", true),
        ("expires_at.nullsfirst", true),
        ("expires_at.desc.nullslast", false),
    ] {
        let query = parse(&format!("order={order}")).expect("sound");
        assert_eq!(query.order[0].nulls_first, nulls_first, "{order}");
    }
}

#[test]
fn a_row_query_filters_by_id_alone() {
    let query = Query::row(&AUTH_KEYS, "k1");
    assert_eq!(query.conditions.iter().map(ToString::to_string).collect::<Vec<_>>(), ["id=eq.k1"]);
    assert_eq!((query.select.len(), query.limit, query.offset), (AUTH_KEYS.columns.len(), 1, 0));
}

#[test]
fn equals_collects_values_that_are_not_negated() {
    let query = parse("org_id=a&org_id=in.(b,c)&org_id=not.eq.d&org_id=neq.e&name=f").expect("sound");
    assert_eq!(query.equals("org_id"), ["a", "b", "c"]);
}

#[test]
fn tables_expose_no_hashes_and_have_the_common_columns() {
    for table in TABLES {
        assert!(
            table
                .columns
                .iter()
                .all(|column| !column.name.contains("hash") && !column.name.contains("token"))
        );
        for needed in ["id", "org_id", "created_at"] {
            assert!(table.column(needed).is_ok(), "{} lacks {needed}", table.name);
        }
        assert_eq!(Table::named(table.name), Some(table));
    }
    assert_eq!(Table::named("users"), None);
}

fn any_column() -> impl Strategy<Value = &'static Column> {
    (0..AUTH_KEYS.columns.len()).prop_map(|at| &AUTH_KEYS.columns[at])
}

fn any_value(column: &'static Column) -> BoxedStrategy<Scalar> {
    match column.kind {
        Kind::Integer => any::<i64>().prop_map(Scalar::Integer).boxed(),
        Kind::Boolean => any::<bool>().prop_map(Scalar::Boolean).boxed(),
        // RFC 3339 has the years 0 to 9999 only.
        Kind::Time => (-62_000_000_000_000_i64..253_000_000_000_000)
            .prop_map(|millis| Scalar::Time(Timestamp::from_millis(millis)))
            .boxed(),
        Kind::Text | Kind::List | Kind::Json => "[^\0]{0,12}".prop_map(Scalar::Text).boxed(),
    }
}

/// Generates conditions on auth_keys for every kind of column.
pub(crate) fn any_condition() -> impl Strategy<Value = Condition> {
    (any_column(), any::<bool>()).prop_flat_map(|(column, negated)| {
        let value = any_value(column);
        let comparison = (0..6_usize, value.clone()).prop_map(|(at, value)| {
            let all = [
                Comparison::Eq,
                Comparison::Neq,
                Comparison::Gt,
                Comparison::Gte,
                Comparison::Lt,
                Comparison::Lte,
            ];
            Test::Compare(all[at], value)
        });
        let list = prop::collection::vec(value, 0..4).prop_map(Test::In);
        let texts = prop::collection::vec("[^\0]{0,8}", 0..4).prop_map(Test::Contains);
        let like = ("[^\0*]{0,8}", any::<bool>())
            .prop_map(|(pattern, case_sensitive)| Test::Like { pattern, case_sensitive });
        let test = match column.kind {
            Kind::Text => prop_oneof![comparison, list, like, Just(Test::IsNull)].boxed(),
            Kind::Integer | Kind::Time => prop_oneof![comparison, list, Just(Test::IsNull)].boxed(),
            Kind::Boolean => prop_oneof![list, Just(Test::IsNull), any::<bool>().prop_map(Test::Is)].boxed(),
            Kind::List => prop_oneof![texts, Just(Test::IsNull)].boxed(),
            Kind::Json => Just(Test::IsNull).boxed(),
        };
        test.prop_map(move |test| Condition { column, negated, test })
    })
}

proptest! {
    #[test]
    fn parsing_never_panics(column in any_column(), value in any::<String>(), tail in "[(){}\",.\\\\a*%]{0,12}") {
        let _ = Condition::parse(column, &value);
        for operator in ["eq", "in", "cs", "is", "like", "not", "order"] {
            let _ = Condition::parse(column, &format!("{operator}.{tail}"));
        }
        let _ = Query::parse(&AUTH_KEYS, [("select", value.as_str()), ("order", value.as_str())]);
    }

    #[test]
    fn conditions_round_trip(condition in any_condition()) {
        let written = condition.to_string();
        let (column, value) = written.split_once('=').expect("column=value");
        prop_assert_eq!(Condition::parse(AUTH_KEYS.column(column).expect("known"), value), Ok(condition));
    }
}
