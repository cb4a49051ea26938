-- A subscription is seen by the organisations of its client; what it is told of, in the same way: numbers and instants, and never a resource.
CALL put_wall('subscription', written_by_parties(), written_by_parties());
CALL put_wall('subscription_delivery', written_by_parties(), written_by_parties(), 'SELECT, INSERT, UPDATE, DELETE',
    by_parent('subscription_delivery', 'subscription_id', 'subscription'));
