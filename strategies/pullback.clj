; Three pairs. In each it buys the name that has fallen back further, as long as that name's own trend holds; otherwise
; it stays with the whole market.
(defsymphony "Pullback"
  {:asset-class "EQUITIES", :rebalance-frequency :daily}
  (weight-equal
    [(group "Chips and clouds"
       [(weight-equal
          [(if (< (rsi "AMD" {:window 10}) (rsi "AMZN" {:window 10}))
             [(if (> (current-price "AMD") (moving-average-price "AMD" {:window 100}))
                [(asset "AMD" "Advanced Micro Devices, Inc.")]
                [(asset "SPY" "SPDR S&P 500 ETF Trust")])]
             [(if (> (current-price "AMZN") (moving-average-price "AMZN" {:window 100}))
                [(asset "AMZN" "Amazon.com, Inc.")]
                [(asset "SPY" "SPDR S&P 500 ETF Trust")])])])])
     (group "Banks"
       [(weight-equal
          [(if (< (rsi "BAC" {:window 10}) (rsi "JPM" {:window 10}))
             [(if (> (current-price "BAC") (moving-average-price "BAC" {:window 100}))
                [(asset "BAC" "Bank of America Corporation")]
                [(asset "SPY" "SPDR S&P 500 ETF Trust")])]
             [(if (> (current-price "JPM") (moving-average-price "JPM" {:window 100}))
                [(asset "JPM" "JPMorgan Chase & Co.")]
                [(asset "SPY" "SPDR S&P 500 ETF Trust")])])])])
     (group "Shops"
       [(weight-equal
          [(if (< (rsi "BBY" {:window 10}) (rsi "SBUX" {:window 10}))
             [(if (> (current-price "BBY") (moving-average-price "BBY" {:window 100}))
                [(asset "BBY" "Best Buy Co., Inc.")]
                [(asset "SPY" "SPDR S&P 500 ETF Trust")])]
             [(if (> (current-price "SBUX") (moving-average-price "SBUX" {:window 100}))
                [(asset "SBUX" "Starbucks Corporation")]
                [(asset "SPY" "SPDR S&P 500 ETF Trust")])])])])]))
