"""Everything that follows the timeline, in the order in which a worker lets it read."""

from wasl.conversations import follow as conversations
from wasl.customers import follow as customers
from wasl.timeline.log import LOG

FOLLOWERS = [conversations.FOLLOWER, customers.SUMMARY, LOG]
