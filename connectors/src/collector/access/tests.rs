//! Who is let in, who is not, and that nobody is told a key.

use super::*;

fn access() -> Access {
    let mut access = Access::default();
    access.add_bearer("open-sesame");
    access.add_bearer("second");
    access.add_basic("ali", "bàbà:x");
    access
}

fn check(access: &Access, authorization: Option<&str>, expected: Result<(), &str>) {
    let headers = authorization.map(|value| ("Authorization", value));
    let checked = access.check("clicks", &headers.into_iter().collect());
    match (checked, expected) {
        (Ok(()), Ok(())) => {}
        (Err(refusal), Err(words)) => {
            assert!(refusal.to_string().contains(words), "{refusal}");
        }
        (checked, expected) => panic!("{authorization:?}: {checked:?}, expected {expected:?}"),
    }
}

#[test]
fn a_source_without_keys_is_open() {
    check(&Access::default(), None, Ok(()));
    check(&Access::default(), Some("Bearer x"), Ok(()));
}

#[test]
fn one_of_the_keys_lets_in_and_nothing_else_does() {
    let access = access();
    let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
    check(&access, Some("Bearer open-sesame"), Ok(()));
    check(&access, Some("bearer  second "), Ok(()));
    check(&access, Some(&basic("ali:bàbà:x")), Ok(()));
    check(&access, None, Err("has no key"));
    let wrong = Err("is not one of theirs");
    let long = format!("Bearer {}", "x".repeat(10_000));
    let tail = format!("Bearer {}", "open-sesame\0");
    for shown in [
        "Bearer",
        "Bearer ",
        "Bearer open-sesam",
        "Bearer open-sesame2",
        "Bearer Open-sesame",
        "Bearer ali:bàbà:x",
        "Basic open-sesame",
        "Basic %%%",
        "Basic",
        &long,
        &tail,
        &basic("ali:"),
        &basic(":bàbà:x"),
        &basic("open-sesame"),
    ] {
        check(&access, Some(shown), wrong);
    }
    check(&access, Some("Digest x"), Err("is not asked for"));
    check(&access, Some(""), Err("is not asked for"));
}

#[test]
fn a_refusal_asks_for_what_there_is_and_tells_no_key() {
    let challenge = |access: &Access| match access.check("clicks", &Headers::default()) {
        Err(Refusal::Unauthorized { challenge, .. }) => challenge,
        other => panic!("{other:?}"),
    };
    let mut bearer = Access::default();
    bearer.add_bearer("k");
    assert_eq!(challenge(&bearer), r#"Bearer realm="millstream""#);
    let mut basic = Access::default();
    basic.add_basic("n", "s");
    assert_eq!(
        challenge(&basic),
        r#"Basic realm="millstream", charset="UTF-8""#
    );
    assert_eq!(
        challenge(&access()),
        format!("{BEARER_CHALLENGE}, {BASIC_CHALLENGE}")
    );
    let shown = format!("{:?}", access());
    assert!(
        !shown.contains("sesame") && !shown.contains("ali"),
        "{shown}"
    );
    assert_eq!(shown, "Access { bearer_keys: 2, basic_keys: 1 }");
}

#[test]
fn a_bad_key_is_told_without_it_and_opens_nothing() {
    let bearer = |key: &str| {
        let mut access = Access::default();
        access.add_bearer(key);
        access
    };
    let basic = |name: &str, secret: &str| {
        let mut access = Access::default();
        access.add_basic(name, secret);
        access
    };
    for (access, words) in [
        (bearer(""), "is empty"),
        (bearer(&"s".repeat(513)), "has 513 bytes"),
        (bearer("two words"), "visible ASCII"),
        (basic("", "s"), "is empty"),
        (basic("n", ""), "is empty"),
        (basic("a:b", "s"), "no colon"),
        (basic("a", "s\n"), "no control characters"),
    ] {
        let bad = access.validated().unwrap_err().to_string();
        assert!(bad.contains(words), "{bad}");
        assert!(access.check("clicks", &Headers::default()).is_err());
    }
    assert_eq!(access().validated(), Ok(()));
}
