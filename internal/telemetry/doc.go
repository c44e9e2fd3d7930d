// Package telemetry writes logs and traces: zap for JSON lines, the X-Ray SDK for segments. It is the only importer of
// both, so that another exporter can replace them without touching a handler; the X-Ray SDK's support ends in February
// 2027.
//
// The X-Ray SDK keeps its sampling, its logger and its handling of missing segments in globals. NewTracer sets them, and
// nothing else does.
package telemetry
