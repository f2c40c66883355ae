"""Everything that follows the timeline, in the order in which a worker lets it read."""

from wasl.conversations import follow as conversations
from wasl.timeline.log import LOG

FOLLOWERS = [LOG, conversations.FOLLOWER]
