//! A web server for this computer alone: files of a folder, and results that a page posts.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// The most bytes that a page may post.
const LONGEST: usize = 1 << 20;

/// A server whose connections have threads of their own.
pub struct Server {
    address: SocketAddr,
    thread: thread::JoinHandle<()>,
    results: Receiver<Vec<u8>>,
}

struct Answer {
    status: &'static str,
    kind: &'static str,
    body: Vec<u8>,
}

impl Server {
    /// Serves a folder; port 0 is any that is free.
    pub fn start(address: impl ToSocketAddrs, folder: &Path) -> Result<Self> {
        let listener = TcpListener::bind(address).context("cannot serve: the port may be taken")?;
        let address = listener.local_addr()?;
        let (sender, results) = channel();
        let folder = folder.to_path_buf();
        let thread = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (folder, sender) = (folder.clone(), sender.clone());
                // A browser that goes away in the middle of an answer is no concern of the others.
                thread::spawn(move || drop(answer_all(&stream, &folder, &sender)));
            }
        });
        Ok(Self { address, thread, results })
    }

    /// Where it serves.
    pub fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The port of that address.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// What a page posts to `/result` next.
    pub fn result(&self, timeout: Duration) -> Result<Vec<u8>> {
        self.results.recv_timeout(timeout).with_context(|| format!("the page has posted nothing within {timeout:?}"))
    }

    /// Does not return.
    pub fn serve_for_ever(self) -> Result<()> {
        self.thread.join().map_err(|_| anyhow::anyhow!("the server has died"))
    }
}

/// Answers the requests of a connection until it ends.
fn answer_all(stream: &TcpStream, folder: &Path, results: &Sender<Vec<u8>>) -> Result<()> {
    let mut reader = BufReader::new(stream);
    while let Some((request, body)) = read_request(&mut reader)? {
        let answer = answer(&request, body, folder, results);
        let Answer { status, kind, body } = &answer;
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nCache-Control: no-cache\r\n\r\n",
            body.len()
        );
        let mut writer = stream;
        writer.write_all(head.as_bytes())?;
        writer.write_all(body)?;
    }
    Ok(())
}

/// The first line of the next request, and its body; none where the browser has closed the connection.
fn read_request(reader: &mut impl BufRead) -> Result<Option<(String, Vec<u8>)>> {
    let mut line = || -> Result<String> {
        let mut line = String::new();
        reader.by_ref().take(LONGEST as u64).read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    };
    let request = line()?;
    if request.is_empty() {
        return Ok(None);
    }
    let mut length = 0;
    loop {
        let header = line()?;
        if header.is_empty() {
            break;
        }
        if let Some((name, value)) = header.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse()?;
        }
    }
    if length > LONGEST {
        bail!("a body of {length} bytes is too long");
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some((request, body)))
}

fn answer(request: &str, body: Vec<u8>, folder: &Path, results: &Sender<Vec<u8>>) -> Answer {
    let text = |status, text: &str| Answer { status, kind: "text/plain", body: text.as_bytes().to_vec() };
    let mut words = request.split(' ');
    match (words.next(), words.next()) {
        (Some("POST"), Some("/result")) => {
            // Nobody may be waiting for it.
            let _ = results.send(body);
            text("200 OK", "thanks\n")
        }
        (Some("GET"), Some(target)) => match file(folder, target).and_then(|path| Some((fs::read(&path).ok()?, path))) {
            Some((body, path)) => Answer { status: "200 OK", kind: kind(&path), body },
            None => text("404 Not Found", "there is no such file\n"),
        },
        _ => text("405 Method Not Allowed", "only files are served\n"),
    }
}

/// The file that a request means, without what follows a question mark. Only plain names lead into a folder.
fn file(folder: &Path, target: &str) -> Option<PathBuf> {
    let path = target.split('?').next()?.strip_prefix('/')?;
    let mut file = folder.to_path_buf();
    for name in path.split('/').filter(|name| !name.is_empty()) {
        let is_plain = name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter));
        if !is_plain || name.starts_with('.') {
            return None;
        }
        file.push(name);
    }
    Some(if path.is_empty() || path.ends_with('/') { file.join("index.html") } else { file })
}

fn kind(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css",
        Some("js") => "text/javascript",
        Some("wasm") => "application/wasm",
        Some("png") => "image/png",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(server: &Server, request: &str) -> String {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn server() -> (tempfile::TempDir, Server) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("site")).unwrap();
        fs::write(folder.path().join("secret"), "secret").unwrap();
        fs::write(folder.path().join("site/index.html"), "<p>hello").unwrap();
        let server = Server::start("127.0.0.1:0", &folder.path().join("site")).unwrap();
        (folder, server)
    }

    #[test]
    fn files_are_served_with_their_kind() {
        let (_folder, server) = server();
        let answer = ask(&server, "GET /?test HTTP/1.1\r\nHost: x\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/html") && answer.ends_with("<p>hello"), "{answer}");
        assert!(ask(&server, "GET /none HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404"));
        assert!(ask(&server, "PUT / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405"));
    }

    #[test]
    fn nothing_outside_of_the_folder_is_served() {
        let (_folder, server) = server();
        for path in ["/../secret", "/%2e%2e/secret", "//../secret", "/..\\secret"] {
            assert!(ask(&server, &format!("GET {path} HTTP/1.1\r\n\r\n")).starts_with("HTTP/1.1 404"), "{path}");
        }
    }

    #[test]
    fn results_are_passed_on() {
        let (_folder, server) = server();
        ask(&server, "POST /result HTTP/1.1\r\nContent-Length: 7\r\n\r\n{\"a\":1}");
        assert_eq!(server.result(Duration::from_secs(9)).unwrap(), b"{\"a\":1}");
        assert!(server.result(Duration::ZERO).is_err());
    }
}
