// Command strategy is the function that answers the start of a workflow with target weights.
package main

import (
	"github.com/the-alchemiser/alchemiser/functions/internal/lambdamain"
	"github.com/the-alchemiser/alchemiser/internal/functions"
)

func main() { lambdamain.Main(functions.NameStrategy, functions.Strategy) }
