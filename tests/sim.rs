//! The campaign.
use tabraft::sim::campaign::run;
use tabraft::sim::fault::Faults;

fn main() {
    if let Some(seed) = std::env::var("SEED").ok().and_then(|s| s.parse().ok()) {
        let (outcome, lines) = tabraft::sim::campaign::Scenario::of(seed).trace();
        println!("{}", lines.join("\n"));
        println!(
            "{:?} {:?} {}",
            outcome.violation, outcome.virtual_ms, outcome.hash
        );
        return;
    }
    let seeds: u64 = std::env::var("SEEDS")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or(100);
    let mut faults = Faults::default();
    let (mut ops, mut ms, mut bad) = (0, 0, 0);
    let begun = std::time::Instant::now();
    for seed in 0..seeds {
        let outcome = run(seed);
        faults.add(&outcome.faults);
        ops += outcome.ops;
        ms += outcome.virtual_ms;
        if let Some(what) = outcome.violation {
            bad += 1;
            println!(
                "SEED={seed}: {}",
                what.chars().take(300).collect::<String>()
            );
        }
    }
    println!("{faults}");
    println!(
        "{seeds} seeds, {bad} bad, {ops} ops, {} s virtual, {:?}",
        ms / 1000,
        begun.elapsed()
    );
}
