//! Processes, and what the kernel knows of them.

use std::{
    cell::RefCell,
    collections::HashMap,
    ffi::OsString,
    fs,
    io::{self, BufRead, BufReader},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// A process that serves; it ends with this value.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: String,
    /// What each thread has taken, those that have ended included.
    threads: RefCell<HashMap<OsString, u64>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

impl Server {
    /// This program in another part, which prints its address first.
    pub(crate) fn part(arguments: &[&str]) -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(arguments).stdout(Stdio::piped());
        let mut process = command.spawn()?;
        let mut address = String::new();
        if let Some(output) = process.stdout.take() {
            BufReader::new(output).read_line(&mut address)?;
        }
        Ok(Self {
            process,
            address: address.trim().to_owned(),
            threads: RefCell::default(),
        })
    }

    /// The sidecar with this configuration, and how long it took until it had answered its first request.
    pub(crate) fn sidecar(config: &str, folder: &Path) -> io::Result<(Self, Duration)> {
        let (file, log) = (folder.join("luthien.yaml"), folder.join("luthien.log"));
        fs::write(&file, config)?;
        let port = free_port()?;
        let address = format!("127.0.0.1:{port}");
        let mut command = Command::new(env!("CARGO_BIN_EXE_luthien"));
        command
            .args(["--listen", &address, "--admin", "127.0.0.1:0", "--config"])
            .arg(&file);
        command.stderr(fs::File::create(log)?);
        let start = Instant::now();
        let process = command.spawn()?;
        let threads = RefCell::default();
        let server = Self {
            process,
            address,
            threads,
        };
        server.first_answer()?;
        Ok((server, start.elapsed()))
    }

    fn first_answer(&self) -> io::Result<()> {
        let patience = Instant::now() + Duration::from_secs(10);
        loop {
            match TcpStream::connect(&self.address) {
                Ok(mut stream) => {
                    io::Write::write_all(
                        &mut stream,
                        b"GET /nowhere HTTP/1.1\r\nhost: localhost\r\n\r\n",
                    )?;
                    return io::Read::read(&mut stream, &mut [0; 512]).map(|_| ());
                }
                Err(error) if Instant::now() > patience => return Err(error),
                Err(_) => std::thread::yield_now(),
            }
        }
    }

    /// CPU time so far, of all threads.
    pub(crate) fn cpu(&self) -> io::Result<Duration> {
        let mut threads = self.threads.borrow_mut();
        for task in fs::read_dir(format!("/proc/{}/task", self.process.id()))? {
            let task = task?;
            // One that has ended meanwhile has taken what it had taken.
            let Ok(stat) = fs::read_to_string(task.path().join("schedstat")) else {
                continue;
            };
            let time = stat.split(' ').next().and_then(|time| time.parse().ok());
            threads.insert(task.file_name(), time.unwrap_or(0));
        }
        let total = threads.values().sum();
        Ok(Duration::from_nanos(total))
    }

    /// Memory in use, in bytes.
    pub(crate) fn memory(&self) -> io::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap_or_default();
        Ok(line
            .split_whitespace()
            .next()
            .and_then(|size| size.parse::<u64>().ok())
            .unwrap_or(0)
            * 1024)
    }
}

fn free_port() -> io::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?
        .local_addr()?
        .port())
}

/// How many streams a proxy may hold here: each takes it two open files.
pub(crate) fn most_streams() -> u32 {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let files = limits.lines().find_map(|line| {
        let soft = line
            .strip_prefix("Max open files")?
            .split_whitespace()
            .next()?;
        soft.parse::<u32>().ok()
    });
    files.unwrap_or(1024).saturating_sub(200) / 2
}
