//! What a browser makes of the pages.

use std::collections::HashSet;
use std::fs;
use std::io::Cursor;
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
use crate::target_folder;

/// What the page has to reach.
const ACCURACY: f64 = 0.9;
const RIGHT: usize = 9;
/// The longest that the page may not answer, in milliseconds.
const LONGEST_GAP: f64 = 100.0;

/// How long others may keep a sleeping thread waiting, in milliseconds, before a page that misses the limit is tried again.
const BUSY: f64 = 25.0;
/// How often it is tried at most.
const ATTEMPTS: u32 = 3;

/// The folders of the pages.
const DIGITS: &str = "digits";
const PLAYGROUND: &str = "playground";

/// By which factor the playground's loss must fall in 500 steps.
const FALL: f64 = 2.0;
/// How many colours its picture must have: a surface has hundreds of shades, cards and letters alone have fewer.
const COLOURS: usize = 2000;

const TIMEOUT: Duration = Duration::from_secs(400);

/// What a test does with a server that has the pages.
type Test = fn(&Server) -> Result<()>;

/// Tests the pages that lie in `site`.
pub fn run(site: &Path) -> Result<()> {
    for page in [DIGITS, PLAYGROUND] {
        let refresh = format!("<!doctype html><meta http-equiv=\"refresh\" content=\"3; url={page}/?test\">\n");
        fs::write(site.join(start(page)), refresh)?;
    }
    let server = Server::start((Ipv4Addr::LOCALHOST, 0), site)?;
    let tests: [(&str, Test); 3] = [
        ("without WebGPU, the pages say so", say_what_is_missing),
        ("the digits' page learns, reads and answers", learns_and_reads),
        ("the playground's page learns and draws", learns_and_draws),
    ];
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

/// A page that leads to a tested one after three seconds: by then the browser itself has started, which would keep any page
/// waiting.
fn start(page: &str) -> String {
    format!("start-{page}.html")
}

fn say_what_is_missing(server: &Server) -> Result<()> {
    for page in [DIGITS, PLAYGROUND] {
        let visit = Visit::begin(server, page, Device::Missing)?;
        let result = visit.result()?;
        let Some(sentence) = result["failure"].as_str() else { bail!("{page} works: {result}") };
        println!("    {page} says {sentence:?}");
        if !sentence.contains("needs WebGPU, which this browser does not offer") {
            bail!("{page} says {sentence:?}");
        }
    }
    Ok(())
}

fn learns_and_draws(server: &Server) -> Result<()> {
    let visit = Visit::begin(server, PLAYGROUND, Device::SoftwareScreen)?;
    let result = visit.result()?;
    let number = |at: &str, index: usize| result[at][index].as_f64().with_context(|| format!("{result}: no {at}"));
    let (first, last) = (number("first", 1)?, number("last", 1)?);
    println!("    the loss falls from {first:.3} to {last:.3} in {} steps", number("last", 0)?);
    if last * FALL > first {
        bail!("a loss that falls from {first} to {last} is not divided by {FALL}");
    }
    let picture = visit.posted()?;
    let path = target_folder().join("playground-page.png");
    fs::write(&path, &picture)?;
    let colours = colours(&picture).with_context(|| format!("{} is no picture", path.display()))?;
    println!("    {} shows it in {colours} colours", path.display());
    if colours < COLOURS {
        bail!("a picture of {colours} colours shows no surface");
    }
    Ok(())
}

/// How many colours a PNG has.
fn colours(picture: &[u8]) -> Result<usize> {
    let mut reader = png::Decoder::new(Cursor::new(picture)).read_info()?;
    let mut pixels = vec![0; reader.output_buffer_size().context("it is too large")?];
    let info = reader.next_frame(&mut pixels)?;
    let pixels = pixels[..info.buffer_size()].chunks_exact(info.color_type.samples());
    Ok(pixels.collect::<HashSet<_>>().len())
}

fn learns_and_reads(server: &Server) -> Result<()> {
    for attempt in 1.. {
        let visit = Visit::begin(server, DIGITS, Device::Software)?;
        let watch = Watch::start();
        let result = visit.result();
        let stall = watch.end().as_secs_f64() * 1e3;
        let gap = check_result(&result?)?;
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

/// A page in a browser.
struct Visit<'a> {
    server: &'a Server,
    browser: Browser,
}

impl<'a> Visit<'a> {
    fn begin(server: &'a Server, page: &str, device: Device) -> Result<Self> {
        Ok(Self { server, browser: Browser::open(server.port(), &start(page), device)? })
    }

    /// What the page posts next.
    fn posted(&self) -> Result<Vec<u8>> {
        self.server.result(TIMEOUT).with_context(|| format!("the browser says:\n{}", self.browser.log()))
    }

    /// That as JSON.
    fn result(&self) -> Result<Value> {
        let posted = self.posted()?;
        serde_json::from_slice(&posted).with_context(|| format!("the page posts {:?}", String::from_utf8_lossy(&posted)))
    }
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
