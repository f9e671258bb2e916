//! Who may know whom: engine ← operators, engine ← connectors, all three ← queries ← millstream.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

/// What a package may name in its `[dependencies]`, of this workspace and of the libraries that belong to one room.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("millstream-engine", &["timely", "differential-dataflow"]),
    ("millstream-operators", &["millstream-engine"]),
    (
        "millstream-connectors",
        &[
            "millstream-engine",
            "arrow-array",
            "arrow-schema",
            "parquet",
        ],
    ),
    (
        "millstream-queries",
        &[
            "millstream-engine",
            "millstream-connectors",
            "axum",
            "tokio",
            "tokio-stream",
        ],
    ),
    (
        "millstream",
        &[
            "millstream-engine",
            "millstream-operators",
            "millstream-connectors",
            "millstream-queries",
        ],
    ),
    ("millstream-benches", &[]),
];

fn is_guarded(name: &str) -> bool {
    name.starts_with("millstream")
        || name.starts_with("arrow")
        || name.starts_with("tokio")
        || ["timely", "differential-dataflow", "parquet", "axum"].contains(&name)
}

#[test]
fn every_package_knows_only_whom_it_may() -> anyhow::Result<()> {
    let told = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version=1"])
        .output()?;
    let metadata: Value = serde_json::from_slice(&told.stdout)?;
    let packages = metadata["packages"].as_array().expect("packages");
    let name_of = |of: &Value| of["name"].as_str().expect("a name").to_owned();
    let members: BTreeSet<String> = packages.iter().map(name_of).collect();
    let ruled: BTreeSet<String> = MAY_KNOW
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    assert_eq!(members, ruled, "every package of the workspace has a rule");
    for package in packages {
        let (_, may) = MAY_KNOW
            .iter()
            .find(|(name, _)| *name == name_of(package))
            .expect("checked");
        let dependencies = package["dependencies"].as_array().expect("dependencies");
        // The kind is null for what is neither for tests nor for building.
        for known in dependencies
            .iter()
            .filter(|d| d["kind"].is_null())
            .map(name_of)
            .filter(|n| is_guarded(n))
        {
            assert!(
                may.contains(&known.as_str()),
                "{} must not know {known}",
                name_of(package)
            );
        }
    }
    Ok(())
}
