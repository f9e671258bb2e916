//! Where lanes say they stand, what tells their files from others, and what comes of a position that is none of theirs.

use millstream_engine::{Position, Rewind};

use super::*;

#[test]
fn a_position_is_a_round_and_the_beginning_of_a_line() {
    let dir = tempfile::tempdir().unwrap();
    // One stripe a line, but for the second line, which covers the second stripe and reaches into the third.
    let long = " ".repeat(15) + "1";
    let lines = format!("{:9}\n{long}\n{:2}\n", 0, 2);
    fs::write(dir.path().join("a"), lines.repeat(16)).unwrap();
    let numbers = source(dir.path(), "a", 10);
    let mut lanes = lanes(&numbers, &cx());
    let mut stands = |lane: usize, room| {
        let polled = lanes[lane].advance(&mut Taken::with_room(room)).unwrap();
        (polled, lanes[lane].position().unwrap().0)
    };
    assert_eq!(
        stands(1, 0),
        (Polled::Ready, "round 0".into()),
        "not looked at"
    );
    assert_eq!(
        stands(0, 1),
        (Polled::Ready, "round 1".into()),
        "the line is all of it"
    );
    assert_eq!(
        stands(1, 1),
        (Polled::Ready, "round 1".into()),
        "the line goes beyond"
    );
    assert_eq!(
        stands(1, 1),
        (Polled::Held, "round 1".into()),
        "and was the last"
    );
    assert_eq!(
        stands(2, 0),
        (Polled::Ready, "round 0".into()),
        "in the line before"
    );
}

#[test]
fn what_is_no_position_of_the_files_is_an_error_that_says_so() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a"), [b' '; 35]).unwrap();
    fs::write(dir.path().join("b.gz"), gzip("1\n")).unwrap();
    let error = |pattern: &str, lane: u32, position: &str| {
        let numbers = source(dir.path(), pattern, 10);
        let position = Position(position.into());
        let resumed = numbers.resume(lane, &position, &cx(), unheard());
        resumed.err().expect(&position.0).to_string()
    };
    assert!(error("a", 0, "byte 3").contains("\"byte 3\" is no position in files"));
    for (lane, position, reason) in [
        (3, "round 0, byte 35", "from byte 30 to 35"),
        (3, "round 0, byte 29", "from byte 30 to 35"),
        (3, "round 1, byte 30", "no stripe in that round"),
        (3, "round 2", "stripes in 1 rounds only"),
        (4, "round 1", "stripes in 0 rounds only"),
    ] {
        let error = error("a", lane, position);
        let words = [position, reason, &format!("lane {lane}"), "\"numbers\""];
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    }
    let position = Position("round 0, byte 3".into());
    let packed = source(dir.path(), "b.gz", 10);
    let cx = cx();
    let mut lane = packed.resume(0, &position, &cx, unheard()).unwrap();
    (1..N_LANES).for_each(|lane| drop(packed.open(lane, &cx, unheard()).unwrap()));
    let error = lane.advance(&mut Taken::with_room(1)).unwrap_err();
    assert!(
        matches!(error, FileError::EndsBefore { line: 3, .. }),
        "{error}"
    );
    assert_eq!(lane.position().unwrap(), position);
}

#[test]
fn files_are_told_from_others_by_name_length_and_beginning() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ndjson");
    let identity = |text: &str| {
        fs::write(&path, text).unwrap();
        source(dir.path(), "*", 10).identity(&cx()).unwrap()
    };
    let first = identity("1\n2\n");
    let shown = path.display();
    assert!(
        first.starts_with(&format!("{shown} (4 bytes, begins ")),
        "{first}"
    );
    assert!(first.ends_with("), in stripes of 10 bytes"), "{first}");
    assert_eq!(first, identity("1\n2\n"));
    assert_ne!(first, identity("1\n3\n"));
    assert_ne!(first, identity("1\n2\n\n"));
    fs::write(dir.path().join("b.gz"), gzip("1\n")).unwrap();
    let both = identity("1\n2\n");
    assert!(
        both.contains("a.ndjson (") && both.contains("b.gz ("),
        "{both}"
    );
    assert_eq!(source(dir.path(), "*", 10).rewind(&cx()), Rewind::Seek);
}

#[cfg(unix)]
#[test]
fn what_cannot_be_read_again_has_no_position() {
    let nothing = NdjsonFiles::new("/dev/null").decode(Json::<u64>::new());
    assert_eq!(nothing.rewind(&cx()), Rewind::Nothing);
    assert_eq!(nothing.identity(&cx()).unwrap(), "/dev/null");
    let lane = nothing.open(0, &cx(), unheard()).unwrap();
    assert_eq!(lane.position(), None);
    let stdin = NdjsonFiles::new("-").decode(Json::<u64>::new());
    assert_eq!(
        (stdin.rewind(&cx()), stdin.identity(&cx()).unwrap()),
        (Rewind::Nothing, "-".into())
    );

    // The files before a pipe are read once all the same.
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    fs::write(&path, "1\n2\n").unwrap();
    let both = NdjsonFiles::new(path.to_str().unwrap()).then("/dev/null");
    let both = both.decode(Json::<u64>::new());
    assert_eq!(both.rewind(&cx()), Rewind::Nothing);
    let mut lane = both.open(0, &cx(), unheard()).unwrap();
    lane.advance(&mut Taken::with_room(1)).unwrap();
    assert_eq!(lane.position().unwrap().0, "round 0, byte 2");
}
