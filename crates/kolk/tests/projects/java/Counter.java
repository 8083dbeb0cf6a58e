import java.util.Map;
import java.util.concurrent.CompletableFuture;

/** A sum in seq-kv. The first node reads for all, and writes something new before it does. */
final class Counter {
    private final Node node = new Node();
    private final KeyValue store = new KeyValue(node, "seq-kv");
    private long reads;

    private CompletableFuture<Long> current() {
        return store.read("sum").thenApply(value -> (Long) value).exceptionallyCompose(error ->
            RpcException.code(error) == 20
                ? CompletableFuture.completedFuture(0L)
                : CompletableFuture.failedFuture(error));
    }

    private CompletableFuture<Map<String, Object>> add(long delta) {
        return current()
            .thenCompose(before -> store.cas("sum", before, before + delta, true))
            .thenApply(done -> Node.body("type", "add_ok"))
            .exceptionallyCompose(error ->
                RpcException.code(error) == 22
                    ? node.sleep(Node.SECOND / 100).thenCompose(over -> add(delta))
                    : CompletableFuture.failedFuture(error));
    }

    private CompletableFuture<Map<String, Object>> read(Map<String, Object> body) {
        String first = node.ids.get(0);
        if (!node.id.equals(first)) return node.rpc(first, body, Node.SECOND);
        return store.write(node.id, ++reads)
            .thenCompose(done -> current())
            .thenApply(sum -> Node.body("type", "read_ok", "value", sum));
    }

    public static void main(String[] args) throws InterruptedException {
        Counter counter = new Counter();
        counter.node.on("add", (src, body) -> counter.add((Long) body.get("delta")));
        counter.node.on("read", (src, body) -> counter.read(body));
        counter.node.run();
    }
}
