package dynamodb

import (
	"slices"

	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb/attr"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// changeIndexes carries out the changes of global indexes that UpdateTable asks for. A new index is there when the
// request is answered. Nothing is written to any table meanwhile.
func (s *Service) changeIndexes(name string, in TableSettings) error {
	defer s.lockAll()()
	rec, err := s.described(name)
	if err != nil {
		return err
	}
	made := 0
	next := rec
	next.Indexes = slices.Clone(rec.Indexes)
	if len(in.AttributeDefinitions) > 0 {
		next.Attributes = in.AttributeDefinitions
	}
	for _, u := range in.GlobalSecondaryIndexUpdates {
		if u.Create != nil || u.Delete != nil {
			made++
		}
		if err := next.updateIndex(u); err != nil {
			return err
		}
	}
	if made > 1 {
		return wire.Errorf("LimitExceededException",
			"Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table")
	}
	next.Attributes = slices.DeleteFunc(slices.Clone(next.Attributes), func(d Definition) bool {
		return !isKey(next.allKeys(), d.AttributeName) // as that of an index that is gone
	})
	if err := next.checkDefinitions(); err != nil {
		return err
	}
	for _, u := range in.GlobalSecondaryIndexUpdates {
		if u.Create != nil {
			// A power loss may leave rows of an index that never came to be.
			if err := s.dropIndex(next, u.Create.IndexName); err != nil {
				return err
			}
			if err := s.fillIndex(next, u.Create.IndexName); err != nil {
				return err
			}
		}
	}
	if _, err = s.change(name, func(rec *record) error { *rec = next; return nil }); err != nil {
		return err
	}
	for _, u := range in.GlobalSecondaryIndexUpdates {
		if u.Delete != nil {
			if err := s.dropIndex(rec, u.Delete.IndexName); err != nil {
				return err
			}
		}
	}
	return nil
}

// updateIndex changes the record by one update.
func (r *record) updateIndex(u IndexUpdate) error {
	switch {
	case u.Create != nil:
		global := slices.DeleteFunc(slices.Clone(r.Indexes), func(x index) bool { return !x.Global })
		if len(global) >= maxGlobalIndexes {
			return wire.Errorf("LimitExceededException", "GlobalSecondaryIndex count exceeds the per-table limit of %d", maxGlobalIndexes)
		}
		x, err := newIndex(*r, *u.Create, true)
		if err != nil {
			return err
		}
		r.Indexes = append(r.Indexes, x)
		return nil
	case u.Update != nil:
		x, err := r.index(u.Update.IndexName)
		if err == nil && u.Update.ProvisionedThroughput != nil {
			x.Throughput = *u.Update.ProvisionedThroughput
		}
		return err
	case u.Delete != nil:
		if x, err := r.index(u.Delete.IndexName); err != nil || !x.Global {
			return wire.Errorf("ResourceNotFoundException", "Requested resource not found")
		}
		r.Indexes = slices.DeleteFunc(r.Indexes, func(x index) bool { return x.Name == u.Delete.IndexName })
		return nil
	}
	return attr.Invalidf("One or more parameter values were invalid: One of GlobalSecondaryIndexUpdate.Update, " +
		"GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete must not be null")
}

// perCommit bounds what one commit of many rows holds.
const perCommit = 1000

// fillIndex makes the rows of a new index for the items that are there.
func (s *Service) fillIndex(rec record, name string) error {
	x, err := rec.index(name)
	if err != nil {
		return err
	}
	return s.each(rec, func(tx *state.Tx, row string, item attr.Item) {
		if key, ok := x.row(rec, row, item); ok {
			s.indexed.PutTx(tx, key, x.project(rec, item))
		}
	})
}

// each calls f for every item of the table, some a commit.
func (s *Service) each(rec record, f func(tx *state.Tx, row string, item attr.Item)) error {
	type found struct {
		row  string
		item attr.Item
	}
	from := ""
	for {
		var page []found
		err := s.items.Scan(rec.rows(), from, func(row string, item attr.Item) bool {
			page = append(page, found{row, item})
			return len(page) < perCommit
		})
		if err != nil || len(page) == 0 {
			return err
		}
		err = s.cfg.Store.Update(func(tx *state.Tx) error {
			for _, each := range page {
				f(tx, each.row, each.item)
			}
			return nil
		})
		if err != nil {
			return err
		}
		from = page[len(page)-1].row + "\x00"
	}
}

// dropIndex deletes the rows of an index that is gone.
func (s *Service) dropIndex(rec record, name string) error {
	return s.drop(s.indexed, index{Name: name}.rows(rec))
}

// drop deletes all rows with a prefix, some a commit.
func (s *Service) drop(from state.Table[attr.Item], prefix string) error {
	for {
		var rows []string
		err := from.Scan(prefix, "", func(row string, _ attr.Item) bool {
			rows = append(rows, row)
			return len(rows) < perCommit
		})
		if err != nil || len(rows) == 0 {
			return err
		}
		err = s.cfg.Store.Update(func(tx *state.Tx) error {
			for _, row := range rows {
				from.DeleteTx(tx, row)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
}
