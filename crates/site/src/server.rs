//! A web server for this computer alone: files of a folder, and results that a page posts.

use std::fs;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tiny_http::{Header, Method, Request, Response, StatusCode};

/// The most bytes that a page may post.
const LONGEST: u64 = 1 << 20;

/// A server that answers in a thread of its own.
pub struct Server {
    address: SocketAddr,
    thread: thread::JoinHandle<()>,
    results: Receiver<Vec<u8>>,
}

struct Answer {
    status: u16,
    kind: &'static str,
    body: Vec<u8>,
}

impl Server {
    /// Serves a folder to this computer; port 0 is any that is free.
    pub fn start(port: u16, folder: &Path) -> Result<Self> {
        let http =
            tiny_http::Server::http((Ipv4Addr::LOCALHOST, port)).map_err(|error| anyhow::anyhow!("cannot serve: {error}"))?;
        let address = http.server_addr().to_ip().context("cannot serve without an address")?;
        let (sender, results) = channel();
        let folder = folder.to_path_buf();
        let thread = thread::spawn(move || {
            for mut request in http.incoming_requests() {
                let answer = answer(&mut request, &folder, &sender);
                // A browser that goes away in the middle of an answer is no concern of the others.
                drop(request.respond(answer.into_response()));
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

impl Answer {
    fn text(status: u16, text: &str) -> Self {
        Self { status, kind: "text/plain", body: text.as_bytes().to_vec() }
    }

    fn into_response(self) -> Response<std::io::Cursor<Vec<u8>>> {
        let headers = [("Content-Type", self.kind), ("Cache-Control", "no-cache")];
        let headers = headers.into_iter().filter_map(|(name, value)| Header::from_bytes(name, value).ok());
        headers.fold(Response::from_data(self.body), Response::with_header).with_status_code(StatusCode(self.status))
    }
}

fn answer(request: &mut Request, folder: &Path, results: &Sender<Vec<u8>>) -> Answer {
    match (request.method().clone(), request.url()) {
        (Method::Post, "/result") => match body(request) {
            Ok(body) => {
                // Nobody may be waiting for it.
                let _ = results.send(body);
                Answer::text(200, "thanks\n")
            }
            Err(error) => Answer::text(400, &format!("{error:#}\n")),
        },
        (Method::Get, target) => match file(folder, target).and_then(|path| Some((fs::read(&path).ok()?, path))) {
            Some((body, path)) => Answer { status: 200, kind: kind(&path), body },
            None => Answer::text(404, "there is no such file\n"),
        },
        _ => Answer::text(405, "only files are served\n"),
    }
}

fn body(request: &mut Request) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    request.as_reader().take(LONGEST + 1).read_to_end(&mut body)?;
    if body.len() as u64 > LONGEST {
        bail!("wanted {LONGEST} bytes at most");
    }
    Ok(body)
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
    use std::io::Write;
    use std::net::TcpStream;

    use super::*;

    fn ask(server: &Server, request: &str) -> String {
        let mut stream = TcpStream::connect(server.address).unwrap();
        let request = request.replacen("\r\n", "\r\nHost: x\r\nConnection: close\r\n", 1);
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn server() -> (tempfile::TempDir, Server) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("site")).unwrap();
        fs::write(folder.path().join("secret"), "secret").unwrap();
        fs::write(folder.path().join("site/index.html"), "<p>hello").unwrap();
        let server = Server::start(0, &folder.path().join("site")).unwrap();
        (folder, server)
    }

    #[test]
    fn files_are_served_with_their_kind() {
        let (_folder, server) = server();
        let answer = ask(&server, "GET /?test HTTP/1.1\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("<p>hello"), "{answer}");
        assert!(answer.contains("\r\nContent-Type: text/html; charset=utf-8\r\n"), "{answer}");
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
        let long = ask(
            &server,
            &format!("POST /result HTTP/1.1\r\nContent-Length: {}\r\n\r\n{}", LONGEST + 1, " ".repeat(LONGEST as usize + 1)),
        );
        assert!(long.starts_with("HTTP/1.1 400") && server.result(Duration::ZERO).is_err(), "{long}");
    }
}
