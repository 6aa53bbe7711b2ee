"""Every number that bounds a document, each with the document that states it.

Seconds unless the name says otherwise. "Telnyx: conference" is Telnyx's TeXML page of that verb or noun.
"""

# The document. Twilio stops at 64 kB (error 11750), Telnyx states a limit without its size.
MAX_BYTES = 1024 * 1024
# Ours: a megabyte of empty elements would keep the phone ringing, and the log full, for no caller's benefit.
MAX_ELEMENTS = 1000
MAX_WARNINGS = 100
# Ours: of a template's blocks, one inside of the other.
MAX_TEMPLATE_DEPTH = 32
# Ours: lxml lists the attributes of one element in a time that grows with their square, 8 s for 32 000.
MAX_ATTRIBUTES = 200
# Ours: of a URL. Telnyx takes 2000 (error 10003), most servers some 8000.
MAX_URL = 8192
# A warning shows so much of a bad value.
MAX_SHOWN = 200

# Telnyx: conference says 2-250, REST "dial participant" and Call Control 2-800. The wider one is honoured.
MIN_PARTICIPANTS = 2
MAX_PARTICIPANTS = 800
DEFAULT_PARTICIPANTS = 250
# Telnyx: conference, recordingTimeout; record, maxLength; dial, recordMaxLength.
MAX_RECORDING = 14400
# Twilio: Conference FriendlyName of the REST API.
MAX_ROOM_NAME = 128
# Twilio: error 16023.
MAX_LABEL = 128

# Telnyx: dial, 5-120 and 60-14400. Twilio: to 600 and to 86400. The wider ones are honoured; and as Telnyx's
# REST sibling starts at 30 s and its error table elsewhere, any limit of a second or more.
MIN_ANSWER_TIMEOUT = 5
MAX_ANSWER_TIMEOUT = 600
MIN_TIME_LIMIT = 1
MAX_TIME_LIMIT = 86400
# Twilio: error 21227.
MAX_SIP_HEADERS = 1024
MAX_DISPLAY_NAME = 128
# Telnyx: dial, machineDetectionTimeout; milliseconds.
MIN_DETECTION_MS = 500
MAX_DETECTION_MS = 60000

# Telnyx: gather.
MIN_DIGIT_TIMEOUT = 1
MAX_DIGIT_TIMEOUT = 120
MIN_DIGITS = 1
MAX_DIGITS = 128

# Twilio: Say. FreeSWITCH's flite makes all of a text into sound before it plays, or hangs up, the first word.
MAX_SPOKEN = 4096
# Our own limit: half a second each.
MAX_SENT_KEYS = 256
# Telnyx: say; pause. Twilio: Play loop.
MAX_SAY_LOOP = 10
MIN_PAUSE = 1
MAX_PAUSE = 180
MAX_PLAY_LOOP = 1000
