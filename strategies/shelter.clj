; Takes cover in a storm. A fall of a tenth from the high of the last quarter counts as one, and so does a market whose
; prices swing more than usual while its short average is below its long one.
(defsymphony "Shelter"
  {:asset-class "EQUITIES", :rebalance-frequency :daily}
  (if (> (max-drawdown "SPY" {:window 60}) 10)
    [(group "Storm"
       [(weight-inverse-volatility 20
          [(asset "PFE" "Pfizer Inc.")
           (asset "T" "AT&T Inc.")
           (asset "WMT" "Walmart Inc.")])])]
    [(if (< (exponential-moving-average-price "SPY" {:window 20}) (exponential-moving-average-price "SPY" {:window 60}))
       [(if (>= (stdev-price "SPY" {:window 20}) (stdev-price "SPY" {:window 100}))
          [(group "Clouds" [(weight-equal [(asset "WMT" "Walmart Inc.") (asset "SPY" "SPDR S&P 500 ETF Trust")])])]
          [(asset "SPY" "SPDR S&P 500 ETF Trust")])]
       [(group "Sun"
          [(weight-specified
             0.5 (asset "SPY" "SPDR S&P 500 ETF Trust")
             0.3 (asset "AMZN" "Amazon.com, Inc.")
             0.2 (asset "SBUX" "Starbucks Corporation"))])])]))
