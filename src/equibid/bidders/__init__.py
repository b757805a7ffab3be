"""Who bids: one file a bidder, all under one contract."""

# A bidder is declared when its module is imported.
from equibid.bidders import constant as constant
from equibid.bidders import fixed as fixed
from equibid.bidders import hindsight as hindsight
from equibid.bidders import lin as lin
from equibid.bidders import mcpc as mcpc
from equibid.bidders import online_lp as online_lp
from equibid.bidders import ortb as ortb
from equibid.bidders import pacing as pacing
from equibid.bidders import pacing_ratio as pacing_ratio
from equibid.bidders import pid as pid
from equibid.bidders import random_bid as random_bid
from equibid.bidders import rlb as rlb
from equibid.bidders import ss_mdp as ss_mdp
from equibid.bidders.bidder import Bidder, FactorBidder, Observation
from equibid.bidders.registry import BIDDERS
from equibid.bidders.training import TrainingLog, training_log

__all__ = [
    "BIDDERS",
    "Bidder",
    "FactorBidder",
    "Observation",
    "TrainingLog",
    "training_log",
]
