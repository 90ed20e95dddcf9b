# SPDX-License-Identifier: ISC
"""Speed from end to end, in one run on one machine.

Two network namespaces are joined by a veth. Through it, in turn: nothing at all, the plain forwarder of forward.c without
and with the bare AEAD of each cipher (the limits), vpn-tunnel with each cipher, the newest wireguard-go that Debian has and
OpenVPN. Every figure is the median of the runs, which go round all candidates in turn. Prints a table, then a line of JSON.
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
CIPHERS = ("sodium", "libcrypto", "ipsec-mb")


def say(*words):
    print("tunnel:", *words, file=sys.stderr, flush=True)


def run(*command, check=True, text=None):
    done = subprocess.run([str(c) for c in command], input=text, capture_output=True, text=True)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stdout}{done.stderr}".strip())
    return done.stdout


def inside(side, *command, **options):
    return run("ip", "netns", "exec", NAME + side, *command, **options)


def wait_for(what, seconds=5):
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            raise RuntimeError("waited in vain")
        time.sleep(0.02)


class Cable:
    """The namespaces a and b, and the veth between them; `addresses` are those of the sides."""

    def __init__(self):
        self.addresses = {"a": "10.99.0.1", "b": "10.99.0.2"}
        for side in "ab":
            run("ip", "netns", "add", NAME + side)
        run("ip", "link", "add", "out", "netns", NAME + "a", "type", "veth", "peer", "name", "out", "netns", NAME + "b")
        for side in "ab":
            inside(side, "ip", "address", "add", self.addresses[side] + "/24", "dev", "out")
            inside(side, "ip", "link", "set", "lo", "up")
            inside(side, "ip", "link", "set", "out", "up")
        self.server = subprocess.Popen(["ip", "netns", "exec", NAME + "b", "iperf3", "-s"], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
        wait_for(lambda: ":5201" in inside("b", "ss", "-ltn"))

    def offload(self, on):
        for side in "ab":
            inside(side, "ethtool", "-K", "out", "tso", "on" if on else "off", "gso", "on" if on else "off", check=False)

    def close(self):
        self.server.kill()
        self.server.wait()
        for side in "ab":
            run("ip", "netns", "del", NAME + side, check=False)


class Candidate:
    """A tunnel with an end in each namespace, called `tun`, 10.77.0.1 and .2; nothing at all, here."""
    target = "10.99.0.2"

    def __init__(self, name, scratch):
        self.name, self.scratch, self.ends = name, scratch, []

    def start(self):
        pass

    def stop(self):
        for end in self.ends:
            end.terminate()
        for end in self.ends:
            end.wait()
        self.ends = []

    def daemon(self, side, *command, **environment):
        log = open(self.scratch / f"{self.name}.{side}.log", "ab")
        end = subprocess.Popen(["ip", "netns", "exec", NAME + side, *map(str, command)], stdout=log, stderr=log,
                               env={**os.environ, **environment})
        self.ends.append(end)

    def addresses(self, device):
        self.target = "10.77.0.2"
        for side, number in (("a", 1), ("b", 2)):
            wait_for(lambda: not inside(side, "ip", "link", "show", device(side), check=False) == "")
            inside(side, "ip", "address", "add", f"10.77.0.{number}/24", "dev", device(side))
            inside(side, "ip", "link", "set", device(side), "up")

    def ready(self):
        wait_for(lambda: " 0% packet loss" in inside("a", "ping", "-c", "1", "-W", "1", self.target, check=False), 20)

    def cpu(self):
        """Seconds of both ends so far."""
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
    def __init__(self, name, scratch, program, cipher):
        super().__init__(name, scratch)
        self.program, self.cipher = program, cipher

    def start(self):
        for side, port, other in (("a", 7001, "10.99.0.2:7002"), ("b", 7002, "10.99.0.1:7001")):
            self.daemon(side, self.program, f"{NAME}{side}", port, other, self.cipher)
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


def iperf(target, seconds, *options):
    text = inside("a", "iperf3", "-c", target, "-t", str(seconds), "-J", *options, check=False)
    try:
        return json.loads(text)["end"]
    except (ValueError, KeyError):
        raise RuntimeError(f"iperf3 said: {text[-300:]}")


def tcp(candidate, seconds, *options):
    """Gbit/s received, and CPU seconds of the daemons for each GiB."""
    before = candidate.cpu()
    end = iperf(candidate.target, seconds, "-C", "cubic", *options)
    used = candidate.cpu() - before
    received = end["sum_received"]
    return received["bits_per_second"] / 1e9, used / (received["bytes"] / 2**30)


def udp(candidate, size, highest):
    """The greatest rate of those tried, in Gbit/s, of which at most 1 % was lost."""
    best, low, high = 0.0, 0.0, highest
    for _ in range(7):
        rate = (low + high) / 2
        end = iperf(candidate.target, 1, "-u", "-l", str(size), "-b", f"{rate * 1e9:.0f}", "-w", "4M")["sum"]
        sent = end["bits_per_second"] / 1e9 * (1 - end["lost_percent"] / 100)
        if end["lost_percent"] <= 1 and end["packets"] > 0:
            best, low = max(best, sent), rate
        else:
            high = rate
        if end["bits_per_second"] / 1e9 < 0.8 * rate:  # the sender cannot make more
            high = min(high, end["bits_per_second"] / 1e9 * 1.2)
            if low >= high:
                break
    return best


def ping(candidate, count=60):
    """p50 and p99 in microseconds, one every 50 ms."""
    text = inside("a", "ping", "-i", "0.05", "-c", str(count), "-W", "2", candidate.target, check=False)
    times = sorted(float(t) * 1000 for t in re.findall(r"time=([\d.]+)", text))
    if not times:
        raise RuntimeError("no ping came back")
    return times[len(times) // 2], times[min(len(times) - 1, int(len(times) * 0.99))]


def measure(candidate, cable, options, first):
    """{(group, unit): figure} of one round."""
    figures = {}
    seconds = options.seconds
    candidate.start()
    candidate.ready()
    tcp(candidate, 1)
    figures["ping p50 idle", "us"], figures["ping p99 idle", "us"] = ping(candidate, 20 if options.quick else 60)
    figures["TCP, 1 stream", "Gbit/s"], figures["CPU of both daemons", "s/GiB"] = tcp(candidate, seconds)
    figures["TCP, 1 stream, back", "Gbit/s"], _ = tcp(candidate, seconds, "-R")
    figures["TCP, 8 streams", "Gbit/s"], _ = tcp(candidate, seconds, "-P", "8")
    load = subprocess.Popen(["ip", "netns", "exec", NAME + "a", "iperf3", "-c", candidate.target, "-t", "60", "-C", "cubic"],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    figures["ping p50 under load", "us"], figures["ping p99 under load", "us"] = ping(candidate, 20 if options.quick else 60)
    load.terminate()
    load.wait()
    time.sleep(0.3)
    cable.offload(False)
    figures["TCP, 1 stream, veth without offload", "Gbit/s"], _ = tcp(candidate, seconds)
    cable.offload(True)
    if first < options.udp_runs:
        figures["UDP of 1372 bytes, <= 1 % lost", "Gbit/s"] = udp(candidate, 1372, 12)
        figures["UDP of 64 bytes, <= 1 % lost", "Gbit/s"] = udp(candidate, 64, 1)
    figures["memory after traffic", "MiB"] = candidate.memory()
    if isinstance(candidate, WireGuard) and first == 0:
        figures["10,000 peers configured", "s"], figures["memory with 10,000 peers", "MiB"] = candidate.peers(10000)
    candidate.stop()
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
        (root / "sources.list").write_text(f"deb [trusted=yes] {mirror.group(1)} sid main\n")
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


def candidates(options, scratch):
    build = pathlib.Path(options.build)
    all_of = [Candidate("veth", scratch), Forward("forward", scratch, build / "tests/bench_forward", "none")]
    tunnel = build / "examples/vpn-tunnel"
    have = [c for c in CIPHERS if c == "sodium" or c in run(tunnel, "--ciphers").split()]
    all_of += [Forward(f"forward-{c}", scratch, build / "tests/bench_forward", c) for c in have]
    all_of += [WireGuard(f"vpn-tunnel-{c}", scratch, tunnel, "--cipher", c) for c in have]
    if not options.only or "wireguard-go" in options.only:
        program = newest_wireguard_go(scratch)
        if program:
            say("wireguard-go is", run(program, "--version").splitlines()[0])
            all_of.append(WireGuard("wireguard-go", scratch, program))
        else:
            say("wireguard-go is skipped: it cannot be had")
    if shutil.which("openvpn"):
        all_of.append(OpenVPN("openvpn", scratch))
    else:
        say("openvpn is skipped: it cannot be had")
    return [c for c in all_of if not options.only or c.name in options.only]


def report(results, options):
    names = list(results)
    keys = list(dict.fromkeys(key for rounds in results.values() for figures in rounds for key in figures))
    middle = {name: {key: statistics.median(values) for key in keys
                     if (values := [f[key] for f in rounds if key in f])} for name, rounds in results.items()}
    width = max(len(k[0]) + len(k[1]) + 2 for k in keys)
    print(" " * width, *(f"{name:>20}" for name in names))
    for key in keys:
        cells = (f"{middle[name][key]:20.3f}" if key in middle[name] else " " * 19 + "-" for name in names)
        print(f"{key[0] + ', ' + key[1]:{width}}", *cells)
    print(json.dumps({"program": "tunnel", "runs": options.runs, "seconds": options.seconds, "congestion": "cubic",
                      "figures": {name: {f"{k[0]}, {k[1]}": round(v, 6) for k, v in row.items()} for name, row in middle.items()}}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", nargs="?", default=str(ROOT / "build/release"), help="the build directory")
    parser.add_argument("--runs", type=int, default=7, help="rounds (7)")
    parser.add_argument("--seconds", type=int, default=3, help="of each measurement (3)")
    parser.add_argument("--udp-runs", type=int, default=3, help="rounds that look for the greatest rate of UDP (3)")
    parser.add_argument("--quick", action="store_true", help="one short round: to see that it works")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these candidates only")
    options = parser.parse_args()
    if options.quick:
        options.runs, options.seconds, options.udp_runs = 1, 1, 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    scratch = pathlib.Path(tempfile.mkdtemp())
    cable = None
    results = {}
    try:
        chosen = candidates(options, scratch)
        cable = Cable()
        for turn in range(options.runs):
            for candidate in chosen:
                say(f"round {turn + 1} of {options.runs}: {candidate.name}")
                try:
                    results.setdefault(candidate.name, []).append(measure(candidate, cable, options, turn))
                except RuntimeError as error:
                    say(f"{candidate.name}: {error}")
                    candidate.stop()
    finally:
        if cable:
            cable.close()
        shutil.rmtree(scratch)
    report({name: rounds for name, rounds in results.items() if rounds}, options)


main()
