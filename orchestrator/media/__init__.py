"""Audio: fetched, checked, converted once and kept; spoken text; the music of those who wait."""
