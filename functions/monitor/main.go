// Command monitor is the function that records every event and tells people.
package main

import (
	"github.com/the-alchemiser/alchemiser/functions/internal/lambdamain"
	"github.com/the-alchemiser/alchemiser/internal/functions"
)

func main() { lambdamain.Main(functions.NameMonitor, functions.Monitor) }
