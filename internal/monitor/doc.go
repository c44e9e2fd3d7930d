// Package monitor watches workflows: every event becomes a line of its workflow's timeline in words a trader
// understands, the end of a workflow becomes a digest, and the watchdog finds workflows that ended without a word.
//
// It publishes nothing on the bus, so that an error cannot feed itself.
package monitor
