; Spreads the risk instead of the money: each quarter, six quiet names get weights in proportion to 1/volatility.
(defsymphony "Balanced"
  {:asset-class "EQUITIES", :rebalance-frequency :quarterly}
  (weight-inverse-volatility 60
    [(asset "JPM" "JPMorgan Chase & Co.")
     (asset "MA" "Mastercard Incorporated")
     (asset "PFE" "Pfizer Inc.")
     (asset "SPY" "SPDR S&P 500 ETF Trust")
     (asset "T" "AT&T Inc.")
     (asset "WMT" "Walmart Inc.")]))
