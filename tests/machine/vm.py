#!/usr/bin/env python3
"""Boots the virtual machine of a release for one stage after the other and does what its tests ask of the outside.

    vm.py DIRECTORY RELEASE RESULTS STAGE...

The machine has two processors, a TPM (swtpm behind QEMU's CRB) and no network. Its tests write lines to the second serial port:
"PASS name seconds", "FAIL name seconds: why", "SKIP name: why" and "# words". A stage ends when the machine is off.
"""
import os
import shutil
import socket
import subprocess
import sys
import time

directory, release, results_path = sys.argv[1:4]
stages = sys.argv[4:]
BOOT_SECONDS = 240
STAGE_SECONDS = int(os.environ.get("MACHINE_STAGE_SECONDS", "1500"))
work = os.path.join(directory, release + ".run")


class Stage:
    """One boot, from power on to power off."""

    def __init__(self, name, results):
        self.name, self.results = name, results
        self.answers = 0
        self.swtpm = self.qemu = self.guest = None

    def path(self, name):
        return os.path.join(work, name)

    def swtpm_start(self):
        os.makedirs(self.path("tpm"), exist_ok=True)
        self.swtpm = subprocess.Popen(
            ["swtpm", "socket", "--tpm2", "--tpmstate", "dir=" + self.path("tpm"), "--ctrl",
             "type=unixio,path=" + self.path("tpm.sock"), "--log", "level=0"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for_path(self.path("tpm.sock"))

    def options(self):
        append = "root=/dev/vda rw console=ttyS0 quiet net.ifnames=0 machine.stage=%s" % self.name
        kvm = kvm_works()
        serial = []
        for port, name in (("console", "file"), ("results", "socket")):
            if name == "file":
                serial += ["-serial", "file:%s" % self.path("console-%s.log" % self.name)]
            else:
                serial += ["-serial", "unix:%s,server=on,wait=off" % self.path("results.sock")]
        drives = []
        for name in ("disk", "guest"):
            drives += ["-drive", "if=virtio,format=raw,cache=writeback,file=" + self.path(name)]
        return ["qemu-system-x86_64", "-machine", "q35,accel=%s" % ("kvm" if kvm else "tcg"), "-cpu", "host" if kvm else "max",
                "-smp", "2", "-m", "2048", "-nodefaults", "-display", "none", "-no-user-config",
                "-no-reboot",
                "-kernel", os.path.join(directory, release + ".kernel"), "-initrd", os.path.join(directory, release + ".initrd"),
                "-append", append,
                "-chardev", "socket,id=tpm,path=" + self.path("tpm.sock"), "-tpmdev", "emulator,id=tpm0,chardev=tpm",
                "-device", "tpm-crb,tpmdev=tpm0", "-device", "virtio-rng-pci",
                ] + serial + drives

    def start(self):
        for name in ("tpm.sock", "results.sock"):
            if os.path.exists(self.path(name)):
                os.unlink(self.path(name))
        self.swtpm_start()
        self.qemu = subprocess.Popen(self.options(), stdin=subprocess.DEVNULL, stdout=open(self.path("qemu.log"), "ab"),
                                     stderr=subprocess.STDOUT)
        self.guest = connect(self.path("results.sock"))

    def line(self, line):
        words = line.split()
        if not words:
            return
        if words[0] in ("PASS", "FAIL", "SKIP"):
            self.answers += 1
            print("%-8s %s" % (release, line), flush=True)
            self.results.write("%s %s\n" % (release, line))
            self.results.flush()
        else:
            print("         %s" % line, flush=True)

    def run(self):
        self.start()
        limit = time.monotonic() + BOOT_SECONDS
        rest = b""
        self.guest.settimeout(5)
        while self.qemu.poll() is None:
            if time.monotonic() > limit:
                self.results.write("%s FAIL %s: the machine did not end in time\n" % (release, self.name))
                print("%-8s FAIL %s: the machine did not end in time" % (release, self.name), flush=True)
                break
            try:
                data = self.guest.recv(4096)
            except (socket.timeout, ConnectionResetError):
                continue
            if not data:
                continue
            if rest == b"" and self.answers == 0:
                limit = max(limit, time.monotonic() + STAGE_SECONDS)
            rest += data
            while b"\n" in rest:
                line, rest = rest.split(b"\n", 1)
                self.line(line.decode(errors="replace").strip())
        if self.answers == 0:
            self.results.write("%s FAIL %s: no test ran, see %s\n" % (release, self.name, self.path("console-%s.log" % self.name)))
            print("%-8s FAIL %s: no test ran" % (release, self.name), flush=True)

    def end(self):
        for process in (self.qemu, self.swtpm):
            if process and process.poll() is None:
                process.kill()
                process.wait()
        if self.guest:
            self.guest.close()


def kvm_works():
    """Whether KVM can make a machine: the device may be there and refuse."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    probe = subprocess.run(["timeout", "2", "qemu-system-x86_64", "-machine", "q35,accel=kvm", "-cpu", "host", "-m", "64",
                            "-nodefaults", "-display", "none"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, check=False)
    return probe.returncode == 124  # still running


def wait_for_path(path):
    limit = time.monotonic() + 10
    while not os.path.exists(path):
        if time.monotonic() > limit:
            sys.exit("%s did not appear" % path)
        time.sleep(0.02)


def connect(path):
    wait_for_path(path)
    limit = time.monotonic() + 10
    while True:
        try:
            one = socket.socket(socket.AF_UNIX)
            one.connect(path)
            return one
        except OSError:
            one.close()
            if time.monotonic() > limit:
                raise
            time.sleep(0.05)


def main():
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    subprocess.check_call(["cp", "--sparse=always", os.path.join(directory, release + ".disk"), os.path.join(work, "disk")])
    # The second disk is an archive of the tests themselves, so that a changed test needs no new machine.
    subprocess.check_call(["tar", "-C", os.path.join(os.path.dirname(os.path.abspath(__file__)), "guest"), "-cf",
                           os.path.join(work, "guest"), "."])
    with open(results_path, "a", encoding="utf-8") as results:
        for name in stages:
            begin = time.monotonic()
            stage = Stage(name, results)
            try:
                stage.run()
            finally:
                stage.end()
            print("         %s: %d s" % (name, time.monotonic() - begin), flush=True)


main()
