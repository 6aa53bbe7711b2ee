"""A carrier: a second FreeSWITCH with users, digest and addresses of its own."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import gevent

from tests.lab.eventsocket import EventSocket
from tests.lab.ports import PortRange
from tests.lab.processes import die_with_parent
from tests.lab.switches import FreeSwitch

ADDRESS, UNREGISTERED = "127.0.0.7", "127.0.0.8"
USER, PASSWORD = "trunk-user", 'hush "hush" <&>'
TONE = 1300

_CONFIGURATION = """<?xml version="1.0"?>
<document type="freeswitch/xml">
  <section name="configuration">
    <configuration name="switch.conf"><settings>
      <param name="rtp-start-port" value="{first}"/><param name="rtp-end-port" value="{last}"/>
      <param name="loglevel" value="info"/>
    </settings></configuration>
    <configuration name="modules.conf"><modules>
      <load module="mod_logfile"/><load module="mod_event_socket"/><load module="mod_sofia"/>
      <load module="mod_commands"/><load module="mod_dptools"/><load module="mod_dialplan_xml"/>
      <load module="mod_tone_stream"/><load module="mod_sndfile"/>
    </modules></configuration>
    <configuration name="logfile.conf"><settings/><profiles><profile name="default"><settings/>
      <mappings><map name="all" value="info,notice,warning,err"/></mappings></profile></profiles>
    </configuration>
    <configuration name="event_socket.conf"><settings>
      <param name="listen-ip" value="127.0.0.1"/><param name="listen-port" value="{port}"/>
      <param name="password" value="ClueCon"/></settings></configuration>
    <configuration name="acl.conf"><network-lists/></configuration>
    <configuration name="timezones.conf"/>
    <configuration name="post_load_modules.conf"><modules/></configuration>
    <configuration name="sofia.conf"><global_settings/><profiles>
      {profiles}
    </profiles></configuration>
  </section>
  <section name="dialplan"><context name="carrier">
    <extension name="answer"><condition>
      <action application="answer"/>
      <action application="playback" data="tone_stream://%(1000,0,{tone});loops=-1"/>
    </condition></extension>
  </context></section>
  <section name="directory"><domain name="{address}">
    <user id="{user}"><params><param name="password" value="{password}"/></params></user>
  </domain></section>
</document>
"""
_PROFILE = """<profile name="{name}"><settings>
  <param name="sip-ip" value="{ip}"/><param name="sip-port" value="{port}"/>
  <param name="rtp-ip" value="{ip}"/>
  <param name="context" value="carrier"/><param name="dialplan" value="XML"/>
  <param name="codec-prefs" value="PCMU"/><param name="auth-calls" value="true"/>
  <param name="force-register-domain" value="{ip}"/><param name="accept-blind-reg" value="false"/>
  <param name="manage-presence" value="false"/>
</settings></profile>"""


class Carrier:
    def __init__(self, directory: Path) -> None:
        program = FreeSwitch.binary()
        assert program, FreeSwitch.why_not()
        self._directory = directory
        self._ports = PortRange()
        self.port, self.sip_port = self._ports.take(), self._ports.take()
        profiles = [("carrier", ADDRESS), ("unknown", UNREGISTERED)]
        words = [program, "-nonat", "-nf", "-nc"]
        for name in ("conf", "log", "db", "run", "temp"):
            (directory / name).mkdir(parents=True)
            words += [f"-{name}", str(directory / name)]
        (directory / "conf" / "freeswitch.xml").write_text(
            _CONFIGURATION.format(
                first=self._ports.start,
                last=self._ports.end,
                port=self.port,
                profiles="".join(
                    _PROFILE.format(name=name, ip=ip, port=self.sip_port) for name, ip in profiles
                ),
                tone=TONE,
                address=ADDRESS,
                user=USER,
                password=PASSWORD.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;"),
            )
        )
        with open(directory / "console.log", "wb") as console:
            self._process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                preexec_fn=die_with_parent,
            )

    def wait_ready(self, seconds: float = 30.0) -> None:
        deadline = time.monotonic() + seconds
        while not self._is_ready():
            assert self._process.poll() is None, "the carrier's FreeSWITCH ended"
            assert time.monotonic() < deadline, "the carrier's FreeSWITCH does not start"
            gevent.sleep(0.1)

    def _is_ready(self) -> bool:
        with contextlib.suppress(OSError, TimeoutError, ValueError, socket.error):
            status = self.api("sofia status")
            return status.count("RUNNING") == 2
        return False

    def api(self, command: str) -> str:
        with EventSocket("127.0.0.1", self.port, "ClueCon") as connection:
            return connection.api(command)

    def channels(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = json.loads(self.api("show channels as json")).get("rows", [])
        return rows

    def call(self, to: str, profile: str = "carrier") -> str:
        """FreeSWITCH's answer to it: +OK, or -ERR and the cause."""
        tone = f"&playback(tone_stream://%(1000\\,0\\,{TONE});loops=-1)"
        return self.api(f"originate {{originate_timeout=10}}sofia/{profile}/{to} {tone}").strip()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._ports.release()
