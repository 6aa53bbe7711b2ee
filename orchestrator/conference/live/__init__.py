"""Live conferences: their state, their participants' legs, and what is done to them in FreeSWITCH."""
