package lambda

import "context"

type concurrency struct{ ReservedConcurrentExecutions int }

func (f *function) concurrency() *concurrency {
	if f.Reserved == nil {
		return nil
	}
	return &concurrency{*f.Reserved}
}

type concurrencyInput struct {
	FunctionName                 string `path:"FunctionName" json:"-"`
	ReservedConcurrentExecutions *int
}

func (s *Service) putConcurrency(_ context.Context, in concurrencyInput) (concurrency, error) {
	r, err := parseRef(in.FunctionName, "")
	if err != nil {
		return concurrency{}, err
	}
	if r.qualifier != "" {
		return concurrency{}, invalid("This operation is permitted on Lambda functions only. Aliases and versions do not " +
			"support this operation. Please specify either a function name or an unqualified function ARN.")
	}
	if in.ReservedConcurrentExecutions == nil {
		return concurrency{}, validation("null", "reservedConcurrentExecutions", "Member must not be null")
	}
	n := *in.ReservedConcurrentExecutions
	if n < 0 {
		return concurrency{}, validation(n, "reservedConcurrentExecutions", "Member must have value greater than or equal to 0")
	}
	err = s.change(r.name, errNoFunction(r.orLatest().arn()), func(f *function) error {
		reservedSum := n
		for name, other := range s.functions {
			if name != f.Name && other.Reserved != nil {
				reservedSum += *other.Reserved
			}
		}
		if accountConcurrency-reservedSum < minUnreserved {
			return invalid("Specified ReservedConcurrentExecutions for function decreases account's "+
				"UnreservedConcurrentExecution below its minimum value of [%d].", minUnreserved)
		}
		f.Reserved = &n
		return nil
	})
	return concurrency{n}, err
}

func (s *Service) deleteConcurrency(_ context.Context, in namedInput) (gone, error) {
	r, err := parseRef(in.FunctionName, "")
	if err != nil {
		return gone{}, err
	}
	return deleted, s.change(r.name, errNoFunction(r.arn()), func(f *function) error {
		f.Reserved = nil
		return nil
	})
}

type concurrencyOutput struct {
	ReservedConcurrentExecutions *int `json:",omitempty"`
}

func (s *Service) getConcurrency(_ context.Context, in namedInput) (concurrencyOutput, error) {
	_, f, err := s.find(in.FunctionName, "")
	if err != nil {
		return concurrencyOutput{}, err
	}
	return concurrencyOutput{f.Reserved}, nil
}
