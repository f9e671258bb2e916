//! Who may know whom: engine ← operators, engine ← connectors, all three ← queries ← millstream.

use std::collections::BTreeSet;

use cargo_metadata::{DependencyKind, MetadataCommand};

/// What a package may name in its `[dependencies]`, of this workspace and of the libraries that belong to one room.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("millstream-engine", &["timely"]),
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
            "millstream-operators",
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
];

fn is_guarded(name: &str) -> bool {
    name.starts_with("millstream")
        || name.starts_with("arrow")
        || name.starts_with("tokio")
        || ["timely", "differential-dataflow", "parquet", "axum"].contains(&name)
}

#[test]
fn every_package_knows_only_whom_it_may() -> anyhow::Result<()> {
    let metadata = MetadataCommand::new().no_deps().exec()?;
    let members: BTreeSet<&str> = metadata.packages.iter().map(|p| p.name.as_str()).collect();
    let ruled: BTreeSet<&str> = MAY_KNOW.iter().map(|(name, _)| *name).collect();
    assert_eq!(members, ruled, "every package of the workspace has a rule");
    for package in &metadata.packages {
        let (_, may) = MAY_KNOW
            .iter()
            .find(|(name, _)| *name == package.name.as_str())
            .expect("checked");
        let known = package
            .dependencies
            .iter()
            .filter(|d| d.kind == DependencyKind::Normal);
        for dependency in known.filter(|d| is_guarded(&d.name)) {
            assert!(
                may.contains(&dependency.name.as_str()),
                "{} must not know {}",
                package.name,
                dependency.name
            );
        }
    }
    Ok(())
}
