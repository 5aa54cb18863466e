import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.oms.orderstatus.v1.GetOrderStatusRequest;
import com.oms.orderstatus.v1.OrderStatusServiceGrpc;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * Reads the details of an error with the published types, beside the stubs of the contract, and
 * prints them as JSON: Details TARGET
 */
public final class Details {
  public static void main(String[] args) throws InvalidProtocolBufferException {
    ManagedChannel channel = ManagedChannelBuilder.forTarget(args[0]).usePlaintext().build();
    try {
      OrderStatusServiceGrpc.newBlockingStub(channel)
          .withDeadlineAfter(10, TimeUnit.SECONDS)
          .getOrderStatus(GetOrderStatusRequest.getDefaultInstance());
      throw new IllegalStateException("the call succeeded");
    } catch (StatusRuntimeException error) {
      for (Any detail : StatusProto.fromThrowable(error).getDetailsList()) {
        String fields =
            detail.unpack(BadRequest.class).getFieldViolationsList().stream()
                .map(violation -> '"' + violation.getField() + '"')
                .collect(Collectors.joining(", "));
        System.out.printf(
            "{\"code\": \"%s\", \"fields\": [%s]}%n", error.getStatus().getCode(), fields);
      }
    } finally {
      channel.shutdownNow();
    }
  }
}
