//! Reads what a store holds: files, and the manifests in their two slots.
#![allow(dead_code, reason = "not every test needs all of it")]

use anyhow::Context;
use millstream::engine::{Epoch, Store};
use millstream::testing::FaultStore;

/// The two slots.
pub(crate) const SLOTS: [&str; 2] = ["manifest-0", "manifest-1"];

/// All of file `name`.
pub(crate) fn read(store: &FaultStore, name: &str) -> anyhow::Result<Vec<u8>> {
    let length = usize::try_from(store.length(name)?)?;
    Ok(store.read(name, 0, length)?)
}

/// A manifest, as far as tests look at it.
pub(crate) struct Manifest {
    pub(crate) slot: &'static str,
    pub(crate) epoch: Epoch,
    /// The state files it names.
    pub(crate) files: Vec<String>,
    json: serde_json::Value,
}

impl Manifest {
    fn in_slot(store: &FaultStore, slot: &'static str) -> anyhow::Result<Self> {
        let text = String::from_utf8(read(store, slot)?)?;
        let (_, json) = text.split_once('\n').context("it has a first line")?;
        let json: serde_json::Value = serde_json::from_str(json)?;
        let epoch = json["epoch"].as_u64().context("an epoch")?;
        let files = json["files"].as_array().context("files")?.iter();
        let name = |file: &serde_json::Value| file["name"].as_str().map(str::to_owned);
        Ok(Manifest {
            slot,
            epoch: Epoch::from_u64(epoch),
            files: files.filter_map(name).collect(),
            json,
        })
    }

    /// Those of both slots, the newer one first.
    pub(crate) fn both(store: &FaultStore) -> anyhow::Result<[Self; 2]> {
        let [a, b] = SLOTS;
        let (a, b) = (Self::in_slot(store, a)?, Self::in_slot(store, b)?);
        let sequence = |manifest: &Self| manifest.json["sequence"].as_u64();
        Ok(if sequence(&a) > sequence(&b) {
            [a, b]
        } else {
            [b, a]
        })
    }

    /// Where the partitions of source `name` stand, by their numbers.
    pub(crate) fn positions(&self, name: &str) -> anyhow::Result<Vec<(i64, i64)>> {
        let partitions = self.json["sources"][name]["partitions"].as_object();
        let partitions = partitions.context("partitions")?.iter();
        let position = |(number, state): (&String, &serde_json::Value)| {
            let position = state["position"].as_str().context("a position")?;
            Ok((number.parse()?, position.parse()?))
        };
        partitions.map(position).collect()
    }
}
