import java.util.Map;
import java.util.concurrent.CompletableFuture;

/** A sum in seq-kv. A read first writes something new, so that what it sees is up to date. */
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

    private CompletableFuture<Map<String, Object>> read() {
        return store.write(node.id, ++reads)
            .thenCompose(done -> current())
            .thenApply(sum -> Node.body("type", "read_ok", "value", sum));
    }

    public static void main(String[] args) throws InterruptedException {
        Counter counter = new Counter();
        counter.node.on("add", (src, body) -> counter.add((Long) body.get("delta")));
        counter.node.on("read", (src, body) -> counter.read());
        counter.node.run();
    }
}
