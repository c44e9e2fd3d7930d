package xray

// CheckFilter says whether an expression parses.
func CheckFilter(expression string) error {
	_, err := parseFilter(expression)
	return err
}

// CheckDatagram says whether a datagram holds a segment.
func CheckDatagram(packet []byte) (id string, err error) {
	doc, err := decodeDatagram(packet)
	return doc.ID, err
}
