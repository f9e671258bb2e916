//! Whatever happens to keys between a freeze and the last slice of its saving, what is restored is what was frozen.

use std::collections::BTreeMap;

use super::*;
use crate::shard::hash_key;
use crate::snapshot::log::{Log, Replayed};
use crate::testing::random::Random;

type Model = BTreeMap<u8, u64>;

/// Does something to a key, to the state and to the model alike.
fn act(state: &mut KeyedState<u8, u64>, model: &mut Model, random: &mut Random) {
    let (key, value) = (random.below(40) as u8, random.below(1 << 40));
    let place = state.find(hash_key(&key), |other| *other == key);
    assert_eq!(
        place.map(|place| *state.get(place)),
        model.get(&key).copied()
    );
    match (place, random.below(3)) {
        (None, 0) => {}
        (None, _) => {
            state.insert(hash_key(&key), key, value);
            model.insert(key, value);
        }
        (Some(place), 0) => {
            let removed = state.remove(place);
            assert_eq!(removed, (key, model.remove(&key).expect("it is there")));
        }
        (Some(place), _) => {
            *state.change(place) = value;
            model.insert(key, value);
        }
    }
}

fn content(state: &KeyedState<u8, u64>) -> Model {
    state.iter().map(|(_, key, value)| (*key, *value)).collect()
}

/// Restores `logs`, the oldest first.
fn restored(logs: &[Log]) -> KeyedState<u8, u64> {
    let mut state = KeyedState::new(true);
    for log in logs {
        let read = log.replay(|replayed| match replayed {
            Replayed::Entry(shard, entry) => {
                let key: u8 = entry.key()?;
                assert_eq!(shard, crate::shard::Shard::of_hash(hash_key(&key)).number());
                state.restore(&entry)
            }
            Replayed::Forgotten(window) => panic!("{window:?} is forgotten"),
        });
        assert_eq!(read, Ok(()));
    }
    state
}

#[test]
fn what_is_restored_is_what_was_frozen() {
    for seed in 0..200 {
        let random = &mut Random::new(seed);
        let (mut state, mut model) = (KeyedState::new(true), Model::new());
        let mut logs = Vec::new();
        for _ in 0..12 {
            for _ in 0..random.below(60) {
                act(&mut state, &mut model, random);
            }
            let frozen = model.clone();
            state.freeze();
            let mut log = Log::default();
            while !state.save(&mut log, 40) {
                for _ in 0..random.below(4) {
                    act(&mut state, &mut model, random);
                }
            }
            logs.push(log);
            assert_eq!(content(&restored(&logs)), frozen, "seed {seed}");
            assert_eq!(content(&state), model, "seed {seed}");
            if random.below(4) == 0 {
                // A run that goes on from here.
                state = restored(&logs);
                model = frozen;
            }
        }
    }
}

#[test]
fn what_does_not_change_is_not_written_again() {
    let mut state = KeyedState::new(true);
    for key in 0..10_u8 {
        state.insert(hash_key(&key), key, 7_u64);
    }
    let save = |state: &mut KeyedState<u8, u64>| {
        let mut log = Log::default();
        state.freeze();
        assert!(state.save(&mut log, usize::MAX));
        log.n_bytes()
    };
    let all = save(&mut state);
    let place = state.find(hash_key(&3_u8), |key| *key == 3).expect("there");
    *state.change(place) = 8;
    assert_eq!(save(&mut state), all / 10);
    assert_eq!(save(&mut state), 0);
}

#[test]
fn bytes_follow_what_is_kept() {
    let mut state = KeyedState::new(false);
    for key in 0..20_000_u64 {
        state.insert(hash_key(&key), key, "x".repeat(100));
    }
    state.weigh();
    let expected = 20_000 * (size_of::<Slot<u64, String>>() + 100);
    assert!((expected / 2..expected * 2).contains(&state.n_bytes()));
}
