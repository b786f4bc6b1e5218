//! A PostgreSQL server for tests, on a socket, without fsync. It ends with the process, however that ends.

use std::io::{BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A server, which stops when its input ends.
pub(crate) struct Cluster {
    url: String,
    folder: PathBuf,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    _shell: Child,
}

/// Runs a server with further options, `$1`. Prints the folder once it runs there, obeys `stop` and `start`, and removes the folder in the end.
///
/// Its data are a copy of those of the first server that a test of this user started: `initdb` takes 0.8 s of CPU time, and
/// some runners have a process for each test. They are in memory where there is a gigabyte for them: each table of each schema
/// is several files, and in a file system on disk a server's start took 0.43 instead of 0.10 s of CPU time.
const SCRIPT: &str = r#"
options=$1
for bin in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V); do PATH=$bin:$PATH; done
command -v initdb >/dev/null && command -v pg_ctl >/dev/null || exit 3
place=/tmp
free=$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }')
if [ "${free:-0}" -ge 1048576 ] && [ -w /dev/shm ]; then place=/dev/shm; fi
folder=$(mktemp -d $place/mock-server-postgres-XXXXXX) || exit 1
cd "$folder"
trap 'pg_ctl -D data -m immediate stop >/dev/null 2>&1; rm -rf "$folder" ${copy:+"$copy"}' EXIT
start() {
  pg_ctl -D data -w -l log -o "-k $folder -c listen_addresses= -c fsync=off -c max_connections=400 -c shared_buffers=32MB -c max_wal_size=128MB -c min_wal_size=32MB $options" start >/dev/null || { cat log >&2; exit 1; }
}
template=/tmp/mock-server-postgres-$(initdb --version | tr -cd 0-9.)-of-$(id -u)
if [ -O "$template/PG_VERSION" ]; then
  cp -a "$template" data || exit 1
else
  initdb -D data -N -A trust -U postgres --no-locale -E UTF8 >log 2>&1 || { cat log >&2; exit 1; }
  # In the template's own file system, so that it appears at once. Another test may be faster; then this copy is removed.
  copy=$(mktemp -d /tmp/mock-server-postgres-XXXXXX) && cp -a data/. "$copy" && mv -T "$copy" "$template" 2>/dev/null
fi
start
echo "$folder"
while read -r order; do
  case $order in
    start) start ;;
    stop) pg_ctl -D data -w -m immediate stop >/dev/null ;;
  esac
  echo "$order"
done
"#;

static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
static SCHEMAS: AtomicUsize = AtomicUsize::new(0);

/// Returns the URL of the database that the tests of the process share, or `None` where PostgreSQL is not installed.
pub(crate) fn url() -> Option<&'static str> {
    SHARED.get_or_init(Cluster::start).as_ref().map(Cluster::url)
}

/// A number that no other test of the process uses, for a schema of its own.
pub(crate) fn number() -> usize {
    SCHEMAS.fetch_add(1, Ordering::Relaxed)
}

impl Cluster {
    /// Starts a server, or says in a line that PostgreSQL is not installed.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(None)
    }

    /// Starts a server that listens on 127.0.0.1 as well.
    #[allow(dead_code, reason = "for the tests of one of the two executables")]
    pub(crate) fn start_listening(port: u16) -> Option<Self> {
        Self::start_with(Some(port))
    }

    fn start_with(port: Option<u16>) -> Option<Self> {
        let started = Self::spawn(port);
        if started.is_none() {
            assert!(
                std::env::var_os("REQUIRE_POSTGRES").is_none(),
                "no PostgreSQL, which REQUIRE_POSTGRES demands"
            );
            // Not captured, so that it is seen.
            let _ = writeln!(
                std::io::stderr(),
                "tests on PostgreSQL are skipped, which is not installed: apt-get install postgresql"
            );
        }
        started
    }

    fn spawn(port: Option<u16>) -> Option<Self> {
        let mut command = match rustix::process::geteuid().is_root() {
            // The server refuses to run as root.
            true => {
                let mut command = Command::new("setpriv");
                command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "sh"]);
                command
            }
            false => Command::new("sh"),
        };
        let options = port.map(|port| format!("-c listen_addresses=127.0.0.1 -p {port}")).unwrap_or_default();
        command
            .args(["-c", SCRIPT, "sh", &options])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .current_dir("/");
        // A group of its own, so that Ctrl-C leaves it the time to clean up.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut shell = command.spawn().ok()?;
        let (input, mut output) = (shell.stdin.take()?, BufReader::new(shell.stdout.take()?));
        let folder = PathBuf::from(line(&mut output)?);
        let port = port.map(|port| format!("&port={port}")).unwrap_or_default();
        let url = format!("postgres:///postgres?host={}&user=postgres{port}", folder.display());
        folder.is_dir().then_some(Self { url, folder, input, output, _shell: shell })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The folder with its socket, its log and its data.
    #[allow(dead_code, reason = "for the tests of one of the two executables")]
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Stops the server as a crash would, or starts it again: `stop` or `start`.
    #[allow(dead_code, reason = "for the tests of one of the two executables")]
    pub(crate) fn order(&mut self, order: &str) {
        writeln!(self.input, "{order}").unwrap();
        assert_eq!(line(&mut self.output).as_deref(), Some(order));
    }
}

fn line(output: &mut impl std::io::BufRead) -> Option<String> {
    let mut line = String::new();
    output.read_line(&mut line).ok()?;
    Some(line.trim_end().to_owned())
}
