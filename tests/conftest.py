"""Everything under test runs on gevent, as in production: patching comes before any other import."""

from gevent import monkey

monkey.patch_all()

pytest_plugins = ["tests.lab.plugin"]
