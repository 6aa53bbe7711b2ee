"""The test laboratory: a switch (a real FreeSWITCH or the emulator), phones, and an application."""
