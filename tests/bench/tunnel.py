# SPDX-License-Identifier: ISC
"""Speed from end to end, in one run on one machine.

Two network namespaces are joined by a veth. Through it, in turn: nothing at all, the plain forwarder of forward.c without
and with the bare AEAD of each cipher (the limits), vpn-tunnel with each cipher, the newest wireguard-go that Debian has and
OpenVPN; where --only names them also vpn-tunnel-CIPHER-1 and so on, with so many threads. Every figure is the median of the
rounds, each of which begins with another candidate and takes all in turn. Prints a table, then a line of JSON, which has the
figures of each round too.
"""
import argparse
import base64
import contextlib
import glob
import json
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAME = f"vb{os.getpid()}"
PROCESSORS = {}  # with --pin, that of each side
CIPHERS = ("sodium", "ipsec-mb", "libcrypto")
USUAL_CIPHERS = CIPHERS[:2]
THREADS = (1, 2, 4)
URINGS = ("", "coop", "sqpoll", "oneshot", "atonce", "slots=4,messages=4", "slots=4")
CONGESTION = ("-C", "cubic")


def say(*words):
    print("tunnel:", *words, file=sys.stderr, flush=True)


def run(*command, check=True, text=None, timeout=60):
    try:
        done = subprocess.run([str(c) for c in command], input=text, capture_output=True, text=True, timeout=timeout)
    except (subprocess.TimeoutExpired, FileNotFoundError) as error:
        raise RuntimeError(error) from error
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stdout}{done.stderr}".strip())
    return done.stdout


def enter(side):
    """Goes before a command that shall run in a namespace, and with --pin on that side's processor."""
    return [*(("taskset", "-c", PROCESSORS[side]) if PROCESSORS else ()), "ip", "netns", "exec", NAME + side]


def inside(side, *command, **options):
    return run(*enter(side), *command, **options)


def spawn(side, *command, out=subprocess.DEVNULL, **environment):
    return subprocess.Popen(list(map(str, [*enter(side), *command])), stdout=out, stderr=out, env={**os.environ, **environment})


def wait_for(what, seconds=5):
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            raise RuntimeError("waited in vain")
        time.sleep(0.02)


class Cable:
    """The namespaces a and b, the veth between them, and a server of iperf3 in b."""

    def __init__(self):
        self.addresses = {"a": "10.99.0.1", "b": "10.99.0.2"}
        self.server = None

    def open(self):
        for side in "ab":
            run("ip", "netns", "add", NAME + side)
        run("ip", "link", "add", "out", "netns", NAME + "a", "type", "veth", "peer", "name", "out", "netns", NAME + "b")
        for side in "ab":
            inside(side, "ip", "address", "add", self.addresses[side] + "/24", "dev", "out")
            inside(side, "ip", "link", "set", "lo", "up")
            inside(side, "ip", "link", "set", "out", "up")
        self.server = spawn("b", "iperf3", "-s")
        wait_for(lambda: ":5201" in inside("b", "ss", "-ltn"))

    @contextlib.contextmanager
    def without_offload(self):
        """Neither TCP nor UDP leaves in super-packets: UDP has a switch of its own."""
        def switch(to, check):
            for side in "ab":
                inside(side, "ethtool", "-K", "out", "tso", to, "gso", to, check=check)
                inside(side, "ethtool", "-K", "out", "tx-udp-segmentation", to, check=False)

        try:
            switch("off", True)
            yield
        finally:
            switch("on", False)

    def close(self):
        if self.server:
            self.server.kill()
            self.server.wait()
        for side in "ab":
            run("ip", "netns", "del", NAME + side, check=False)


class Candidate:
    """A tunnel with an end in each namespace, called `tun`, 10.77.0.1 and .2; nothing at all, here."""
    target = "10.99.0.2"

    def __init__(self, name, scratch):
        self.name, self.scratch, self.ends, self.found = name, scratch, [], {}

    def start(self):
        pass

    def close(self):
        ends, self.ends = self.ends, []
        for end in ends:
            end.terminate()
        for end in ends:
            try:
                end.wait(10)
            except subprocess.TimeoutExpired:
                end.kill()
                end.wait()
        if ends:  # the kernel may take a while to close what a process had open
            wait_for(lambda: not any(re.search(r"^\d+: (tun|vb)", inside(side, "ip", "-o", "link"), re.M) or
                                     re.search(r":700[12]\b", inside(side, "ss", "-uln")) for side in "ab"))

    def daemon(self, side, *command, **environment):
        with open(self.scratch / f"{self.name}.{side}.log", "ab") as log:
            self.ends.append(spawn(side, *command, out=log, **environment))

    def addresses(self, device):
        self.target = "10.77.0.2"
        for side, number in (("a", 1), ("b", 2)):
            wait_for(lambda: not inside(side, "ip", "link", "show", device(side), check=False) == "")
            inside(side, "ip", "address", "add", f"10.77.0.{number}/24", "dev", device(side))
            inside(side, "ip", "link", "set", device(side), "up")

    def ready(self):
        wait_for(lambda: " 0% packet loss" in inside("a", "ping", "-c", "1", "-W", "1", self.target, check=False), 20)

    def said(self):
        return "".join(log.read_text(errors="replace")[-500:] for log in self.scratch.glob(f"{self.name}.?.log"))

    def cpu(self):
        """Seconds of both ends so far."""
        if any(end.poll() is not None for end in self.ends):
            raise RuntimeError("an end is no longer there")
        ticks = 0
        for end in self.ends:
            with open(f"/proc/{end.pid}/stat") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def memory(self):
        """MiB of the larger end."""
        sizes = [int(re.search(r"VmRSS:\s*(\d+)", open(f"/proc/{end.pid}/status").read()).group(1)) for end in self.ends]
        return max(sizes) / 1024 if sizes else 0


class Forward(Candidate):
    def __init__(self, name, scratch, program, cipher, **environment):
        super().__init__(name, scratch)
        self.program, self.cipher, self.environment = program, cipher, environment

    def start(self):
        for side, port, other in (("a", 7001, "10.99.0.2:7002"), ("b", 7002, "10.99.0.1:7001")):
            self.daemon(side, self.program, f"{NAME}{side}", port, other, self.cipher, **self.environment)
        self.addresses(lambda side: NAME + side)


class WireGuard(Candidate):
    def __init__(self, name, scratch, *command):
        super().__init__(name, scratch)
        self.command = command

    def start(self):
        keys = {}
        for side in "ab":
            secret = run("wg", "genkey")
            keys[side] = (secret, run("wg", "pubkey", text=secret).strip())
            self.daemon(side, *self.command, "-f", NAME + side, WG_PROCESS_FOREGROUND="1")
        for side in "ab":
            wait_for(lambda: run("wg", "show", NAME + side, check=False) != "")
        for side, other, port, number in (("a", "b", 7001, 2), ("b", "a", 7002, 1)):
            path = self.scratch / "secret"
            path.write_text(keys[side][0])
            run("wg", "set", NAME + side, "private-key", path, "listen-port", port, "peer", keys[other][1],
                "allowed-ips", f"10.77.0.{number}/32", "endpoint", f"10.99.0.{number}:{7000 + number}")
        self.addresses(lambda side: NAME + side)

    def peers(self, count):
        """Seconds to configure so many peers, and MiB afterwards."""
        lines = ["[Interface]"]
        for i in range(count):
            key = base64.b64encode(os.urandom(32)).decode()
            lines += ["[Peer]", f"PublicKey = {key}", f"AllowedIPs = 10.{128 + i // 65536}.{i // 256 % 256}.{i % 256}/32"]
        path = self.scratch / "peers.conf"
        path.write_text("\n".join(lines) + "\n")
        begin = time.monotonic()
        run("wg", "addconf", NAME + "a", path)
        took = time.monotonic() - begin
        return took, self.memory()


class OpenVPN(Candidate):
    def start(self):
        prints = {}
        for side in "ab":
            base = self.scratch / f"ovpn.{side}"
            run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
                "1", "-subj", f"/CN={side}", "-keyout", f"{base}.key", "-out", f"{base}.crt")
            print_of = run("openssl", "x509", "-in", f"{base}.crt", "-noout", "-fingerprint", "-sha256")
            prints[side] = print_of.strip().split("=", 1)[1]
        for side, other, port, number in (("a", "b", 7001, 1), ("b", "a", 7002, 2)):
            base = self.scratch / f"ovpn.{side}"
            role = ["--tls-server", "--dh", "none"] if side == "a" else ["--tls-client"]
            self.daemon(side, "openvpn", "--dev", "tun", "--dev-type", "tun", "--ifconfig", f"10.77.0.{number}",
                        f"10.77.0.{3 - number}", "--lport", port, "--remote", f"10.99.0.{3 - number}", 7000 + 3 - number,
                        "--cert", f"{base}.crt", "--key", f"{base}.key", "--peer-fingerprint", prints[other],
                        "--data-ciphers", "CHACHA20-POLY1305", *role)
        self.target = "10.77.0.2"


# --- what is measured ---

PING_IDLE = ("ping idle", "us")
PING_LOADED = ("ping under load", "us")

def iperf(candidate, *options):
    """What iperf3 found at the end. The server takes one client at a time, and has not always seen the last one go."""
    for _ in range(20):
        text = inside("a", "iperf3", "-c", candidate.target, "-J", *options, check=False)
        try:
            said = json.loads(text)
        except ValueError:
            said = {"error": text[-300:]}
        if "busy" not in said.get("error", ""):
            break
        time.sleep(0.1)
    if "error" in said:
        raise RuntimeError(f"iperf3 said: {said['error']}")
    return said["end"]


def tcp(candidate, seconds, *options):
    """
    Gbit/s received, and CPU seconds for each GiB: those of the daemons, and of daemons and iperf3 together. TCP's own work is done by
    whichever of them brings it the next packet, so that the first alone may fall when nothing was won.
    """
    before = candidate.cpu()
    end = iperf(candidate, "-t", seconds, *CONGESTION, *options)
    used = candidate.cpu() - before
    received, busy = end["sum_received"], end["cpu_utilization_percent"]
    if received["bytes"] == 0:
        raise RuntimeError("nothing was received")
    ends = (busy["host_total"] + busy["remote_total"]) / 100 * received["seconds"]
    size = received["bytes"] / 2**30
    return received["bits_per_second"] / 1e9, used / size, (used + ends) / size


def udp_buffer():
    sizes = [int(pathlib.Path(f"/proc/sys/net/core/{name}mem_max").read_text()) for name in "rw"]
    return min(4 << 20, *sizes)


def udp_at(candidate, size, rate):
    """Gbit/s sent, Gbit/s received, and the part that was lost, of half a second's datagrams at a rate in Gbit/s."""
    end = iperf(candidate, "-u", "-l", size, "-b", f"{rate * 1e9:.0f}", "-n", f"{rate * 1e9 / 8 * 0.5:.0f}", "-w",
                udp_buffer())["sum"]
    if end["packets"] == 0:
        return 0, 0, 1
    sent, lost = end["bits_per_second"] / 1e9, end["lost_percent"] / 100
    return sent, sent * (1 - lost), lost


def udp(candidate, size, highest):
    """
    The greatest rate of those tried, in Gbit/s, of which at most 1 % was lost. A rate has two tries, since others' work may
    cost one of them a few packets. The first search halves what is possible; later ones what is near the results before.
    """
    before = candidate.found.setdefault(size, [])
    near = statistics.median(before) if before else 0
    low, high = (0.7 * near, 1.4 * near) if near else (0.0, highest)
    best = 0.0
    for _ in range(4 if near else 7):
        rate = (low + high) / 2
        sent, received, lost = udp_at(candidate, size, rate)
        if lost > 0.01:
            sent, received, lost = udp_at(candidate, size, rate)
        if lost <= 0.01:
            best, low = max(best, received), rate
        else:
            high = rate
        if sent < 0.8 * rate:  # the sender cannot make more
            high = min(high, sent * 1.2)
            low = min(low, sent)
    before.append(best)
    return best


def ping(candidate, count):
    """Times in microseconds, one every 50 ms."""
    text = inside("a", "ping", "-i", "0.05", "-c", count, "-W", "2", candidate.target, check=False)
    times = [float(t) * 1000 for t in re.findall(r"time=([\d.]+)", text)]
    if not times:
        raise RuntimeError("no ping came back")
    return times


def machine():
    """Ticks that the processors have worked, which is what others take when nothing is measured, and ticks of all."""
    ticks = [int(t) for t in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)


@contextlib.contextmanager
def load(candidate):
    """A stream of TCP, for as long as it takes, which also warms up what is measured afterwards."""
    stream = spawn("a", "iperf3", "-c", candidate.target, "-t", 60, *CONGESTION)
    try:
        time.sleep(0.4)
        if stream.poll() is not None:
            raise RuntimeError("the load ended")
        yield
    finally:
        stream.terminate()
        stream.wait()


def measure(candidate, cable, options, turn):
    """{(what, unit): figure, or all round trips} of one round."""
    figures = {}
    seconds = options.seconds
    candidate.start()
    candidate.ready()
    with load(candidate):
        figures[PING_LOADED] = ping(candidate, 20)
    before = machine()
    figures[PING_IDLE] = ping(candidate, 20)
    used, all_of = (now - then for now, then in zip(machine(), before))
    figures["machine busy while idle", "%"] = 100 * used / all_of
    for way, option in (("", ()), (", back", ("-R",))):
        (figures[f"TCP, 1 stream{way}", "Gbit/s"], figures[f"CPU of both daemons{way}", "s/GiB"],
         figures[f"CPU with iperf3's{way}", "s/GiB"]) = tcp(candidate, seconds, *option)
    figures["TCP, 8 streams", "Gbit/s"] = tcp(candidate, seconds, "-P", "8")[0]
    if shutil.which("ethtool"):
        with cable.without_offload():
            figures["TCP, 1 stream, veth without offload", "Gbit/s"] = tcp(candidate, seconds)[0]
    if turn < options.udp_runs and candidate.ends:
        figures["UDP of 1372 bytes, <= 1 % lost", "Gbit/s"] = udp(candidate, 1372, 12)
        figures["UDP of 64 bytes, <= 1 % lost", "Gbit/s"] = udp(candidate, 64, 1)
    figures["memory after traffic", "MiB"] = candidate.memory()
    if isinstance(candidate, WireGuard):  # anew, since traffic has left its buffers behind
        candidate.close()
        candidate.start()
        figures["10,000 peers configured", "s"], figures["memory with 10,000 peers", "MiB"] = candidate.peers(10000)
    return figures


# --- who takes part ---


def newest_wireguard_go(scratch):
    """A program of Debian's later suites, unpacked and not installed; or the installed one; or None."""
    sources = "".join(open(p).read() for p in glob.glob("/etc/apt/sources.list.d/*") + glob.glob("/etc/apt/sources.list"))
    mirror = re.search(r"\b(https?://\S+/debian)/?\s", sources)
    if mirror and shutil.which("apt-get"):
        root = scratch / "apt"
        for folder in ("lists/partial", "cache/archives/partial"):
            (root / folder).mkdir(parents=True)
        (root / "status").touch()
        keys = "/usr/share/keyrings/debian-archive-keyring.gpg"
        (root / "sources.list").write_text(f"deb [signed-by={keys}] {mirror.group(1)} sid main\n")
        apt = ["apt-get", "-o", f"Dir::Etc::sourcelist={root}/sources.list", "-o", "Dir::Etc::sourceparts=-", "-o",
               f"Dir::State::lists={root}/lists", "-o", f"Dir::Cache={root}/cache", "-o", f"Dir::State::status={root}/status"]
        with contextlib.suppress(RuntimeError):
            run(*apt, "update")
            done = subprocess.run([*apt, "download", "wireguard-go"], cwd=root, capture_output=True)
            packages = list(root.glob("*.deb"))
            if done.returncode == 0 and packages:
                run("dpkg", "-x", packages[0], root / "unpacked")
                return root / "unpacked/usr/bin/wireguard-go"
    return shutil.which("wireguard-go")


def ours(options, scratch):
    build = pathlib.Path(options.build)
    forward, uring, tunnel = build / "tests/bench_forward", build / "tests/bench_forward_uring", build / "examples/vpn-tunnel"
    have = [c for c in CIPHERS if c == "sodium" or c in run(tunnel, "--ciphers").split()]
    yield Forward("forward", scratch, forward, "none")
    if uring.exists():
        for words in URINGS:
            yield Forward("forward-uring" + ("-" + words if words else ""), scratch, uring, "none", FORWARD_URING=words)
    for cipher in have:
        yield Forward(f"forward-{cipher}", scratch, forward, cipher)
    for cipher in have:
        yield WireGuard(f"vpn-tunnel-{cipher}", scratch, tunnel, "--cipher", cipher)
        for n in THREADS:
            yield WireGuard(f"vpn-tunnel-{cipher}-{n}", scratch, tunnel, "--cipher", cipher, "--threads", n)


def others(wanted, scratch):
    if wanted("wireguard-go"):
        program = newest_wireguard_go(scratch)
        if program:
            say("wireguard-go is", run(program, "--version").splitlines()[0])
            yield WireGuard("wireguard-go", scratch, program)
        else:
            say("wireguard-go is skipped: it cannot be had")
    if wanted("openvpn"):
        if shutil.which("openvpn") and shutil.which("openssl"):
            yield OpenVPN("openvpn", scratch)
        else:
            say("openvpn is skipped: it cannot be had")


def candidates(options, scratch):
    unusual = {f"{kind}-{c}" for kind in ("forward", "vpn-tunnel") for c in CIPHERS if c not in USUAL_CIPHERS}
    unusual |= {f"vpn-tunnel-{c}-{n}" for c in CIPHERS for n in THREADS}

    def wanted(name):
        return name in options.only if options.only else name not in unusual and "uring" not in name

    all_of = [Candidate("veth", scratch), *ours(options, scratch), *others(wanted, scratch)]
    chosen = [c for c in all_of if wanted(c.name)]
    if not shutil.which("wg"):
        say("whatever is set up with wg is skipped: there is none")
        chosen = [c for c in chosen if not isinstance(c, WireGuard)]
    for name in set(options.only) - {c.name for c in chosen}:
        say(f"{name} does not take part; there are", *(c.name for c in all_of))
    return chosen


def missing():
    """What nothing can be measured without, or None."""
    for tool in ("ip", "iperf3", "ping", "ss", "taskset"):
        if not shutil.which(tool):
            return tool
    return None if os.path.exists("/dev/net/tun") else "/dev/net/tun"


def condense(rounds):
    """The figures of a candidate in all rounds, as medians; those of round trips from all of them together."""
    row = {}
    for key in dict.fromkeys(key for figures in rounds for key in figures):
        values = [figures[key] for figures in rounds if key in figures]
        if isinstance(values[0], list):
            times = sorted(time for some in values for time in some)
            row[f"{key[0]}, p50", key[1]] = times[len(times) // 2]
            row[f"{key[0]}, p99", key[1]] = times[min(len(times) - 1, int(len(times) * 0.99))]
        else:
            row[key] = statistics.median(values)
    return row


def rounded(figures):
    return {", ".join(key): [round(v) for v in value] if isinstance(value, list) else round(value, 6)
            for key, value in figures.items()}


def report(results, options):
    middle = {name: condense(rounds) for name, rounds in results.items()}
    keys = list(dict.fromkeys(key for row in middle.values() for key in row))
    width = max(len(", ".join(key)) for key in keys)
    columns = {name: max(len(name), 10) for name in middle}
    print(" " * width, *(f"{name:>{columns[name]}}" for name in middle))
    for key in keys:
        cells = (f"{row[key]:{columns[name]}.3f}" if key in row else "-".rjust(columns[name]) for name, row in middle.items())
        print(f"{', '.join(key):{width}}", *cells)
    print(json.dumps({"program": "tunnel", "runs": options.runs, "seconds": options.seconds, "pinned": options.pin, "congestion": "cubic",
                      "figures": {name: rounded(row) for name, row in middle.items()},
                      "rounds": {name: [rounded(figures) for figures in rounds] for name, rounds in results.items()}}))


def rounds(chosen, cable, options):
    """{candidate: [figures of a round]}"""
    results = {candidate.name: [] for candidate in chosen}
    for turn in range(options.runs):
        first = turn % len(chosen)
        for candidate in chosen[first:] + chosen[:first]:
            say(f"round {turn + 1} of {options.runs}: {candidate.name}")
            try:
                with contextlib.closing(candidate):
                    results[candidate.name].append(measure(candidate, cable, options, turn))
            except RuntimeError as error:
                say(f"{candidate.name}: {error}", candidate.said())
    return {name: figures for name, figures in results.items() if figures}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", nargs="?", default=str(ROOT / "build/release"), help="the build directory")
    parser.add_argument("--runs", type=int, default=7, help="rounds (7)")
    parser.add_argument("--seconds", type=int, default=1, help="of each measurement of TCP (1)")
    parser.add_argument("--udp-runs", type=int, default=3, help="rounds that look for the greatest rate of UDP (3)")
    parser.add_argument("--pin", action="store_true", help="each side on a processor of its own: less noise")
    parser.add_argument("--quick", action="store_true", help="one short round: to see that it works")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME",
                        help="these candidates; also forward-libcrypto, vpn-tunnel-libcrypto, and forward-uring and its "
                        f"kinds ({', '.join('forward-uring-' + u for u in URINGS if u)}), which else take no part")
    options = parser.parse_args()
    if options.quick:
        options.runs, options.seconds, options.udp_runs = 1, 1, 0
    if options.pin:
        PROCESSORS.update(a=0, b=1)
    if missing():
        say("skipped: there is no", missing())
        sys.exit(77)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    scratch = pathlib.Path(tempfile.mkdtemp())
    cable = Cable()
    chosen = []
    try:
        chosen = candidates(options, scratch)
        cable.open()
        results = rounds(chosen, cable, options)
    finally:
        cable.close()
        shutil.rmtree(scratch)
    if not results:
        sys.exit("tunnel: nothing was measured")
    report(results, options)
    sys.exit(len(results) < len(chosen))


if __name__ == "__main__":
    main()
