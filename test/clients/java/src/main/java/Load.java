import com.oms.orderstatus.v1.GetOrderStatusRequest;
import com.oms.orderstatus.v1.OrderStatusServiceGrpc;
import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.StatusRuntimeException;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Calls GetOrderStatus at a fixed rate on one connection with default settings, and prints the
 * results as JSON: Load TARGET ORDER_ID CALLS_PER_SECOND SECONDS
 */
public final class Load {
  private static final int WORKERS = 64;

  public static void main(String[] args) throws InterruptedException {
    String target = args[0];
    GetOrderStatusRequest request =
        GetOrderStatusRequest.newBuilder().setOrderId(Long.parseLong(args[1])).build();
    long rate = Long.parseLong(args[2]);
    long nanos = TimeUnit.SECONDS.toNanos(Long.parseLong(args[3]));

    ManagedChannel channel = ManagedChannelBuilder.forTarget(target).usePlaintext().build();
    AtomicInteger connects = new AtomicInteger();
    countConnects(channel, connects);
    var orders = OrderStatusServiceGrpc.newBlockingStub(channel);

    // Loads the classes before the measurement.
    orders.withDeadlineAfter(30, TimeUnit.SECONDS).getOrderStatus(request);

    AtomicInteger calls = new AtomicInteger();
    Map<String, Integer> failed = new ConcurrentHashMap<>();
    // Due calls; a call that finds all workers busy waits for one.
    Semaphore due = new Semaphore(0);
    long start = System.nanoTime();
    ExecutorService workers = Executors.newFixedThreadPool(WORKERS);
    for (int worker = 0; worker < WORKERS; worker++) {
      workers.execute(
          () -> {
            while (System.nanoTime() - start < nanos) {
              try {
                if (!due.tryAcquire(100, TimeUnit.MILLISECONDS)) {
                  continue;
                }
                calls.incrementAndGet();
                orders.withDeadlineAfter(10, TimeUnit.SECONDS).getOrderStatus(request);
              } catch (StatusRuntimeException error) {
                failed.merge(error.getStatus().toString(), 1, Integer::sum);
              } catch (InterruptedException interrupted) {
                return;
              }
            }
          });
    }
    long sent = 0;
    while (System.nanoTime() - start < nanos) {
      long wanted = (System.nanoTime() - start) * rate / TimeUnit.SECONDS.toNanos(1);
      due.release((int) (wanted - sent));
      sent = wanted;
      Thread.sleep(1);
    }
    workers.shutdown();
    workers.awaitTermination(30, TimeUnit.SECONDS);
    System.out.printf(
        "{\"calls\": %d, \"failed\": %s, \"connects\": %d}%n", calls.get(), json(failed), connects.get());
    channel.shutdownNow();
  }

  /** Counts how often the connection becomes ready: once, unless the server closes it. */
  private static void countConnects(ManagedChannel channel, AtomicInteger connects) {
    ConnectivityState state = channel.getState(false);
    if (state == ConnectivityState.READY) {
      connects.incrementAndGet();
    }
    channel.notifyWhenStateChanged(state, () -> countConnects(channel, connects));
  }

  private static String json(Map<String, Integer> counts) {
    StringBuilder text = new StringBuilder("{");
    new TreeMap<>(counts)
        .forEach(
            (name, count) ->
                text.append(text.length() == 1 ? "" : ", ")
                    .append('"')
                    .append(name.replaceAll("[\"\\\\\\p{Cntrl}]", " "))
                    .append("\": ")
                    .append(count));
    return text.append('}').toString();
  }
}
