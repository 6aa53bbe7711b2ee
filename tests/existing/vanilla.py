"""FreeSWITCH's vanilla configuration: a small likeness of it, and a real one with our part in it."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from orchestrator import cli
from tests.lab.ports import PortRange
from tests.lab.switches import FreeSwitch

LIKENESS = {
    "freeswitch.xml": """<document type="freeswitch/xml">
  <!-- <X-PRE-PROCESS cmd="include" data="nothing/*.xml"/> -->
  <section name="configuration"><!-- all of them -->
    <X-PRE-PROCESS cmd="include" data="autoload_configs/*.xml"/>
  </section>
  <section name="dialplan">
    <X-PRE-PROCESS cmd="include" data="dialplan/*.xml"/>
  </section>
</document>
""",
    "autoload_configs/conference.conf.xml": """<configuration name="conference.conf">
  <!-- <profiles></profiles> -->
  <caller-controls>
    <group name="default"/>
  </caller-controls>
  <profiles>
    <profile name="default"><param name="rate" value="8000"/></profile>
  </profiles>
</configuration>
""",
    "autoload_configs/modules.conf.xml": """<configuration name="modules.conf">
  <modules>
    <load module="mod_sofia"/>
    <!--<load module="mod_shout"/>-->
  </modules>
</configuration>
""",
    "autoload_configs/sofia.conf.xml": """<configuration name="sofia.conf"><profiles>
    <X-PRE-PROCESS cmd="include" data="../sip_profiles/*.xml"/>
</profiles></configuration>
""",
    "dialplan/public.xml": """<include><context name="public">
    <X-PRE-PROCESS cmd="include" data="public/*.xml"/>
</context></include>
""",
    "dialplan/mine.xml": """<include><context name="mine"/></include>
""",
    "sip_profiles/internal.xml": """<profile name="internal"/>
""",
}


def likeness(directory: Path) -> Path:
    for name, text in LIKENESS.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return directory


# `./configure --prefix=P` installs to P/conf or, where no --sysconfdir is given, to P/etc/freeswitch.
CONF_BELOW_PREFIX = ("conf", "etc/freeswitch", "share/freeswitch/conf/vanilla")


class Vanilla(FreeSwitch):
    """A real FreeSWITCH with its own vanilla configuration, on other ports, and our part added to it."""

    def __init__(self, directory: Path, settings: Path) -> None:
        directory.mkdir()
        super().__init__(directory)
        self.settings = settings

    @classmethod
    def why_not(cls) -> str:
        return super().why_not() or ("" if cls.vanilla() else "no vanilla configuration beside FreeSWITCH")

    @classmethod
    def vanilla(cls) -> Path | None:
        """Where a build by hand or a package puts it, or the environment's FREESWITCH_CONF says."""
        binary = cls.binary()
        prefix = [Path(binary).resolve().parents[1]] if binary else []
        places = [Path(os.environ["FREESWITCH_CONF"])] if "FREESWITCH_CONF" in os.environ else []
        places += [place / conf for place in prefix for conf in CONF_BELOW_PREFIX]
        places += [Path("/usr/share/freeswitch/conf/vanilla"), Path("/etc/freeswitch")]
        return next((place for place in places if (place / "autoload_configs").is_dir()), None)

    def open(self) -> None:
        for path in (
            self.log_dir,
            self.media_dir,
            self.recordings_dir,
            *map(self._place, ["db", "run", "tmp"]),
        ):
            path.mkdir(parents=True, exist_ok=True)
        source = self.vanilla()
        assert source
        shutil.copytree(source, self.conf_dir)
        self._media_ports = PortRange()
        self.port, self.sip_port = self._media_ports.take(), self._media_ports.take()
        self._move(source_ports=("internal", "external"))
        self._pristine = self._configuration()
        self.phones.start()
        assert cli.main(["render", "-c", str(self.settings), "--into", str(self.conf_dir), "--yes"]) == 0
        self.start(60)

    def _move(self, source_ports: tuple[str, ...]) -> None:
        """To ports of its own on loopback, and without asking a server on the internet for its address."""
        variables = self.conf_dir / "vars.xml"
        text = variables.read_text()
        text = re.sub(r'cmd="stun-set" data="(\w+)=[^"]*"', r'cmd="set" data="\1=127.0.0.1"', text)
        for name in source_ports:
            port = f'data="{name}_sip_port={self._media_ports.take()}"'
            text, count = re.subn(rf'data="{name}_sip_port=\d+"', port, text)
            assert count == 1
        local = '<X-PRE-PROCESS cmd="set" data="local_ip_v4=127.0.0.1"/>'
        variables.write_text(text.replace("<include>", f"<include>\n  {local}", 1))
        for name in ("internal-ipv6", "external-ipv6"):
            (self.conf_dir / "sip_profiles" / f"{name}.xml").unlink(missing_ok=True)
        socket = self.conf_dir / "autoload_configs" / "event_socket.conf.xml"
        text = socket.read_text().replace('"::"', '"127.0.0.1"').replace('"8021"', f'"{self.port}"')
        socket.write_text(text.replace("ClueCon", self.password))
