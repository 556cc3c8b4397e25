-- How an order meets the book: ioc, fok, gtc, post_only or market. Until now there were two kinds, told by the limit.
ALTER TABLE orders ADD COLUMN kind TEXT NOT NULL DEFAULT 'ioc';
UPDATE orders SET kind = 'market' WHERE limit_price IS NULL;
