//! What this process takes.

fn read(path: &str) -> String {
    std::fs::read_to_string(path).expect("a system with /proc")
}

/// How much memory this process has.
pub(crate) fn resident_mib() -> f64 {
    let status = read("/proc/self/status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.expect("a size").trim().trim_end_matches(" kB");
    kib.parse::<f64>().expect("a number") / 1024.0
}

/// How long its threads have worked. The system counts a hundred to a second.
pub(crate) fn cpu_seconds() -> f64 {
    let stat = read("/proc/self/stat");
    let fields = stat.rsplit_once(')').expect("a name in brackets").1;
    let times = fields.split_whitespace().skip(11).take(2);
    let ticks = times.map(|ticks| ticks.parse::<f64>().expect("a number"));
    ticks.sum::<f64>() / 100.0
}
