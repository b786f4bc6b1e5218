"""A shell that runs commands one after the other, as a reader would paste them, and starts servers beside them."""

import os
import select
import signal
import subprocess
import tempfile
import time
from pathlib import Path


class Shell:
    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.folder = Path(tempfile.mkdtemp(prefix="blocks-"))
        self.count = 0
        self.servers: list[int] = []
        self.said, say = os.pipe()
        self.say = say
        self.bash = subprocess.Popen(
            ["bash", "--norc", "--noprofile"], stdin=subprocess.PIPE, text=True, pass_fds=[say], process_group=0
        )

    def run(self, command: str) -> tuple[int, str]:
        """Returns the exit code, and what was written to standard output and error."""
        script, output = self.written(command)
        code = self.told(f"source {script} </dev/null >{output} 2>&1; echo $? >&{self.say}", command, output)
        return code, output.read_text(errors="replace")

    def start(self, command: str, until: str) -> str:
        """Starts a server, and waits until it has written a text."""
        script, output = self.written(command)
        line = f"setsid bash -c 'source {script}' </dev/null >{output} 2>&1 & echo $! >&{self.say}"
        self.servers.append(self.told(line, command, output))
        deadline = time.monotonic() + self.limit
        while until not in output.read_text(errors="replace"):
            assert time.monotonic() < deadline, f"{command} never said {until}:\n{output.read_text()}"
            time.sleep(0.05)
        return output.read_text(errors="replace")

    def stop(self) -> None:
        for server in self.servers:
            try:
                os.killpg(server, signal.SIGTERM)
            except ProcessLookupError:
                pass
        self.bash.stdin.close()
        self.bash.wait()
        subprocess.run(["rm", "-rf", self.folder], check=True)

    def written(self, command: str) -> tuple[Path, Path]:
        self.count += 1
        script = self.folder / f"{self.count}.sh"
        output = self.folder / f"{self.count}.out"
        script.write_text(command + "\n")
        output.touch()
        return script, output

    def told(self, line: str, command: str, output: Path) -> int:
        self.bash.stdin.write(line + "\n")
        self.bash.stdin.flush()
        deadline, text = time.monotonic() + self.limit, ""
        while not text.endswith("\n"):
            ready, _, _ = select.select([self.said], [], [], max(0.0, deadline - time.monotonic()))
            if not ready or self.bash.poll() is not None:
                os.killpg(self.bash.pid, signal.SIGKILL)
                raise SystemExit(f"FAILED: {command}\nhas not ended after {self.limit} s:\n{output.read_text()}")
            text += os.read(self.said, 64).decode()
        return int(text)
