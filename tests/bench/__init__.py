"""What the box costs and how fast it is. Each module here that is no test is a measurement: `./qendra bench NAME`."""
