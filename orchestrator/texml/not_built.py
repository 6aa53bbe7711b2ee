"""Elements that Telnyx or Twilio have and we have not: skipped, but known."""

_VERBS = "AIGather Connect Echo Enqueue HttpRequest Pay Prompt Queue Refer ReferSip Sms Start Stop"
_NOUNS = (
    "AIAssistant AiSession Application ApplicationSid Autopilot Client Conversation ConversationRelay "
    "ConversationRelaySession Recording Room Sim Siprec Stream Suppression Transcription VirtualAgent "
    "WhatsApp"
)
_INSIDE_OF_THOSE = "Config Identity Language Parameter Task"
NOT_BUILT = frozenset(f"{_VERBS} {_NOUNS} {_INSIDE_OF_THOSE}".split())
