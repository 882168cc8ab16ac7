//! What a browser makes of the pages.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::browser::{Browser, Device};
use crate::server::Server;

/// What the page has to reach.
const ACCURACY: f64 = 0.9;
const RIGHT: usize = 9;
/// The longest that the page may not answer, in milliseconds.
const LONGEST_GAP: f64 = 100.0;

/// How long others may keep a sleeping thread waiting, in milliseconds, before a page that misses the limit is tried again.
const BUSY: f64 = 25.0;
/// How often it is tried at most.
const ATTEMPTS: u32 = 3;

/// A page that leads to the tested one after three seconds: by then the browser itself has started, which would keep any
/// page waiting.
const START: &str = "start.html";

const TIMEOUT: Duration = Duration::from_secs(400);

/// What a test does with a server that has the pages.
type Test = fn(&Server) -> Result<()>;

/// Tests the pages that lie in `site`.
pub fn run(site: &Path) -> Result<()> {
    fs::write(site.join(START), "<!doctype html><meta http-equiv=\"refresh\" content=\"3; url=digits/?test\">\n")?;
    let server = Server::start((Ipv4Addr::LOCALHOST, 0), site)?;
    let tests: [(&str, Test); 2] =
        [("without WebGPU, the page says so", says_what_is_missing), ("the page learns, reads and answers", learns_and_reads)];
    let mut failed = 0;
    for (name, test) in tests {
        match test(&server) {
            Ok(()) => println!("test {name} ... ok"),
            Err(error) => {
                println!("test {name} ... FAILED\n    {error:#}");
                failed += 1;
            }
        }
    }
    println!("{} passed, {failed} failed", tests.len() - failed);
    if failed > 0 {
        bail!("the pages do not do what they should");
    }
    Ok(())
}

fn says_what_is_missing(server: &Server) -> Result<()> {
    let (result, _) = result(server, Device::Missing)?;
    let Some(sentence) = result["failure"].as_str() else { bail!("the page works: {result}") };
    println!("    {sentence:?}");
    if !sentence.contains("needs WebGPU, which this browser does not offer") {
        bail!("the page says {sentence:?}");
    }
    Ok(())
}

fn learns_and_reads(server: &Server) -> Result<()> {
    for attempt in 1.. {
        let (result, stall) = result(server, Device::Software)?;
        let gap = check_result(&result)?;
        let stall = stall.as_secs_f64() * 1e3;
        println!("    a thread of this machine that only sleeps was kept waiting for up to {stall:.1} ms meanwhile");
        if gap < LONGEST_GAP {
            break;
        }
        if stall < BUSY || attempt == ATTEMPTS {
            bail!("the page did not answer for {gap} ms, {LONGEST_GAP} ms are allowed");
        }
        println!("    {gap} ms are too long, but others keep this machine busy: once more");
    }
    Ok(())
}

/// Checks what the page has learned and read; returns its longest gap.
fn check_result(result: &Value) -> Result<f64> {
    if let Some(failure) = result["failure"].as_str() {
        bail!("the page says {failure:?}");
    }
    let number = |name: &str| result[name].as_f64().with_context(|| format!("{result}: no {name}"));
    let (accuracy, gap) = (number("accuracy")?, number("longest_gap")?);
    let answers = result["answers"].as_array().with_context(|| format!("{result}: no answers"))?;
    let right = answers.iter().filter(|answer| answer[0] == answer[1]).count();
    let seconds = (number("trained")? - number("training_began")?) / 1000.0;
    println!(
        "    {:.2} % of the test digits after {} steps, {} epochs, {seconds:.1} s of training on {}",
        100.0 * accuracy,
        result["steps"],
        result["epochs"],
        result["device"]
    );
    println!("    {right} of {} drawings read right: {}", answers.len(), result["answers"]);
    println!("    the longest gap between two ticks of the page: {gap} ms");
    println!("    over 50 ms: gaps {}, tasks {} (when they began, and how long they took)", result["gaps"], result["tasks"]);
    if accuracy <= ACCURACY {
        bail!("the accuracy is {accuracy}, not above {ACCURACY}");
    }
    if answers.len() != 10 || right < RIGHT {
        bail!("only {right} of {} drawings are read right", answers.len());
    }
    Ok(gap)
}

/// What the page posts, and how long a thread of this program that only sleeps was kept waiting meanwhile.
fn result(server: &Server, device: Device) -> Result<(Value, Duration)> {
    let browser = Browser::open(server.port(), START, device)?;
    let watch = Watch::start();
    let posted = server.result(TIMEOUT);
    let stall = watch.end();
    let posted = posted.with_context(|| format!("the browser says:\n{}", browser.log()))?;
    Ok((serde_json::from_str(&posted).with_context(|| format!("the page posts {posted:?}"))?, stall))
}

/// A thread that sleeps five milliseconds at a time: what others do to this machine shows in how long it takes.
struct Watch {
    ends: Arc<AtomicBool>,
    thread: thread::JoinHandle<Duration>,
}

impl Watch {
    fn start() -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let seen = ends.clone();
        let thread = thread::spawn(move || {
            let (mut longest, mut last) = (Duration::ZERO, Instant::now());
            while !seen.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(5));
                let now = Instant::now();
                longest = longest.max(now - last);
                last = now;
            }
            longest
        });
        Self { ends, thread }
    }

    fn end(self) -> Duration {
        self.ends.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}
