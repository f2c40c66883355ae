"""The parts of `bench.chaos`: who writes, who answers, who kills, who watches, and who counts afterwards."""
