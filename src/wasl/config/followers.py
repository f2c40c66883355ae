"""Everything that follows the timeline, in the order in which a worker lets it read."""

from wasl.calls import follow as calls
from wasl.conversations import follow as conversations
from wasl.conversations import indexing
from wasl.customers import follow as customers
from wasl.desk import acknowledge, notices
from wasl.devices import follow as devices
from wasl.timeline.follow import Company
from wasl.timeline.log import LOG
from wasl.webhooks import follow as webhooks

FOLLOWERS = [
    conversations.FOLLOWER,
    acknowledge.FOLLOWER,
    notices.FOLLOWER,
    customers.SUMMARY,
    customers.LINKING,
    indexing.FOLLOWER,
    calls.FOLLOWER,
    devices.FOLLOWER,
    webhooks.FOLLOWER,
    LOG,
]

TOGETHER = Company(
    [
        customers.SUMMARY,
        notices.FOLLOWER,
        indexing.FOLLOWER,
        calls.FOLLOWER,
        devices.FOLLOWER,
        webhooks.FOLLOWER,
        LOG,
    ]
)
"""Those that write only what is theirs read a batch once for all of them."""

ALONE = [follower for follower in FOLLOWERS if follower.cursor not in TOGETHER.cursors]
