# SPDX-License-Identifier: GPL-2.0-or-later
"""A sound server of one's own: PipeWire and WirePlumber as installed, without a sound card, a user's
session or anything of the machine's own sound. A null sink "speaker" is where programs play, and a
virtual source "ear" is what they record from."""
import json
import os
import shutil
import signal
import subprocess
import tempfile

from harness import Process, wait_for

RATE = 48000

# Nothing here has real-time priority and the machine is busy: 43 ms are time enough for everybody.
NODES = """
context.properties = { default.clock.rate = %(rate)d  default.clock.min-quantum = %(quantum)d
                       default.clock.quantum = %(quantum)d }
context.objects = [
    { factory = adapter args = {
        factory.name = support.null-audio-sink  node.name = speaker  media.class = Audio/Sink
        audio.position = [ FL FR ]  audio.rate = %(rate)d  priority.session = 2000 } }
    { factory = adapter args = {
        factory.name = support.null-audio-sink  node.name = ear  media.class = Audio/Source/Virtual
        audio.position = [ FL FR ]  audio.rate = %(rate)d  priority.session = 2000 } }
]
"""


class PipeWire:
    def __init__(self, quantum=2048):
        self.directory = tempfile.mkdtemp(prefix="vitrine-sound-")
        os.chmod(self.directory, 0o700)
        for name in ("config/pipewire/pipewire.conf.d", "state"):
            os.makedirs(os.path.join(self.directory, name))
        self._configure(NODES % {"rate": RATE, "quantum": quantum})
        self._leave_hardware_alone()
        self.env = {"HOME": self.directory, "XDG_RUNTIME_DIR": self.directory,
                    "XDG_CONFIG_HOME": os.path.join(self.directory, "config"),
                    "XDG_STATE_HOME": os.path.join(self.directory, "state"),
                    "DBUS_SESSION_BUS_ADDRESS": f"unix:path={self.directory}/bus"}
        self.processes = []
        self.bus = self._run("dbus-daemon", "--session", "--nofork",
                             f"--address={self.env['DBUS_SESSION_BUS_ADDRESS']}")
        wait_for("the bus", lambda: os.path.exists(f"{self.directory}/bus"))
        self.server = self.manager = None
        self.start()

    def _configure(self, text):
        path = os.path.join(self.directory, "config/pipewire/pipewire.conf.d/nodes.conf")
        with open(path, "w") as file:
            file.write(text)

    def _leave_hardware_alone(self):
        """The machine's sound cards are somebody else's. WirePlumber 0.4 and 0.5."""
        lua = os.path.join(self.directory, "config/wireplumber/main.lua.d")
        conf = os.path.join(self.directory, "config/wireplumber/wireplumber.conf.d")
        os.makedirs(lua)
        os.makedirs(conf)
        with open(os.path.join(lua, "51-no-hardware.lua"), "w") as file:
            file.write("alsa_monitor.enabled = false\nv4l2_monitor.enabled = false\n")
        with open(os.path.join(conf, "no-hardware.conf"), "w") as file:
            file.write("wireplumber.profiles = { main = { hardware.audio = disabled\n"
                       "hardware.bluetooth = disabled hardware.video-capture = disabled } }\n")

    def whole_env(self):
        env = dict(os.environ, **self.env)
        for name in ("PIPEWIRE_REMOTE", "PIPEWIRE_RUNTIME_DIR", "PULSE_SERVER"):
            env.pop(name, None)
        return env

    def _run(self, *arguments):
        process = Process(arguments[0], list(arguments), env=self.whole_env())
        self.processes.append(process)
        return process

    def start(self):
        self.server = self._run("pipewire")
        wait_for("PipeWire", lambda: os.path.exists(f"{self.directory}/pipewire-0"))
        self.manager = self._run("wireplumber")
        wait_for("the nodes and their ports", self._is_ready)

    def start_pulse(self):
        """For programs that speak PulseAudio's protocol; they find it by XDG_RUNTIME_DIR."""
        self._run("pipewire-pulse")
        wait_for("PulseAudio", lambda: os.path.exists(f"{self.directory}/pulse/native"))

    def start_without_devices(self):
        self._configure("")
        self.server = self._run("pipewire")
        wait_for("PipeWire", lambda: os.path.exists(f"{self.directory}/pipewire-0"))
        self.manager = self._run("wireplumber")
        wait_for("nodes", self.nodes)

    def plug_speaker(self):
        """As somebody who plugs headphones in; they stay until this process ends."""
        plug = self._run("pw-cli")
        plug.tell("create-node adapter { factory.name=support.null-audio-sink node.name=speaker "
                  "media.class=Audio/Sink audio.position=[FL FR] }")
        wait_for("the speaker", lambda: self.node("speaker"))

    def _is_ready(self):
        return all(node and node["info"].get("n-input-ports", 0) >= 2 for node in
                   (self.node("speaker"), self.node("ear"))) and self._has_defaults()

    def _has_defaults(self):
        """The session manager decides where streams go by these; before, they would get no ports."""
        for thing in self.dump():
            if thing.get("type") != "PipeWire:Interface:Metadata" or \
                    thing.get("props", {}).get("metadata.name") != "default":
                continue
            keys = {entry["key"]: entry["value"] for entry in thing.get("metadata", [])}
            return (keys.get("default.audio.sink", {}).get("name") == "speaker" and
                    keys.get("default.audio.source", {}).get("name") == "ear")
        return False

    def stop(self, number=signal.SIGKILL):
        """The server dies, and its session manager with it."""
        for process in (self.server, self.manager):
            process.kill(number)
        for name in ("pipewire-0", "pipewire-0.lock"):
            path = os.path.join(self.directory, name)
            if os.path.exists(path):
                os.unlink(path)

    def close(self):
        for process in reversed(self.processes):
            process.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def dump(self):
        answer = subprocess.run(["pw-dump"], env=self.whole_env(), text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        # It prints one list for what is there and another for what changed while it looked.
        try:
            things, _ = json.JSONDecoder().raw_decode(answer.stdout)
        except ValueError:
            return []
        return things

    def nodes(self):
        return [thing for thing in self.dump() if thing.get("type") == "PipeWire:Interface:Node"]

    def node(self, name):
        for node in self.nodes():
            if node.get("info", {}).get("props", {}).get("node.name") == name:
                return node
        return None

    def record(self, path, node="speaker", rate=RATE, channels=2):
        """What the node gives, until the recorder is told to stop. Already recording on return."""
        recorder = self._run("pw-record", "--target", node, "-P",
                             "{ stream.capture.sink = true node.name = recorder }", "--rate",
                             str(rate), "--channels", str(channels), "--format", "s16",
                             "--latency", "20ms", path)
        wait_for("the recorder", lambda: (os.path.exists(path) and
                                          os.path.getsize(path) > rate * channels // 5))
        return recorder

    @staticmethod
    def finish(recorder):
        recorder.kill(signal.SIGINT)

    def speak(self, path):
        """Plays a file into the ear. A source is nothing that the session manager plays to."""
        player = self._run("pw-play", "--target", "0", "-P", "{ node.name = mouth }", path)
        for channel in ("FL", "FR"):
            wait_for("the mouth at the ear", lambda: not subprocess.run(
                ["pw-link", f"mouth:output_{channel}", f"ear:input_{channel}"],
                env=self.whole_env(), stderr=subprocess.DEVNULL).returncode)
        return player
