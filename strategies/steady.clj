; A core that is left alone until a holding has drifted three percentage points from its share, or the trend of energy
; turns: then everything goes back to target.
(defsymphony "Steady"
  {:asset-class "EQUITIES", :rebalance-frequency :none, :rebalance-threshold 0.03}
  (weight-specified
    0.40 (asset "SPY" "SPDR S&P 500 ETF Trust")
    0.25 (asset "WMT" "Walmart Inc.")
    0.20 (if (>= (moving-average-price "XOM" {:window 20}) (moving-average-price "XOM" {:window 100}))
           [(asset "XOM" "Exxon Mobil Corporation") (asset "RRC" "Range Resources Corporation")]
           [(asset "GE" "General Electric Company")])
    0.15 (asset "JPM" "JPMorgan Chase & Co.")))
